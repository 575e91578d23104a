"""Nova's rule names in a policy file, and ours of before."""

import os
from pathlib import Path
from typing import Any

import pytest

from authorization import policy, rules
from authorization.context import RequestContext
from compute.policies import FORMERLY, OLD, RULES
from compute.servers import rules as verb_rules
from compute.servers.lifecycle import states

MEMBER = RequestContext(user_id="u", project_id="red", roles=frozenset({"member", "reader"}))
READER = RequestContext(user_id="r", project_id="red", roles=frozenset({"reader"}))
ADMIN = RequestContext(user_id="a", project_id="blue", roles=frozenset({"admin", "manager", "member", "reader"}))


def _write(settings: Any, text: str) -> None:
    path = Path(settings.POLICY_FILE)
    path.write_text(text)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    rules._table.reset()


@pytest.fixture(autouse=True)
def _file(settings: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    settings.POLICY_FILE = tmp_path / "policy.yaml"
    rules._table.reset()
    request.addfinalizer(rules._table.reset)


def test_a_policy_yaml_of_nova_works(settings: Any) -> None:
    """As its sample generator writes one, with the rules that its checks refer to."""
    _write(
        settings,
        '"os_compute_api:servers:stop": "rule:project_reader_or_admin"\n'
        '"os_compute_api:servers:start": "rule:admin_api"\n'
        '"os_compute_api:os-pause-server:pause": "is_admin:True or project_id:%(project_id)s"\n'
        '"os_compute_api:os-shelve:shelve": "!"\n',
    )
    assert policy.allows(READER, "os_compute_api:servers:stop", "red")
    assert not policy.allows(READER, "os_compute_api:servers:stop", "blue")
    assert not policy.allows(MEMBER, "os_compute_api:servers:start", "red")
    assert policy.allows(READER, "os_compute_api:os-pause-server:pause", "red")
    assert policy.allows(ADMIN, "os_compute_api:os-pause-server:pause", "red")
    assert not policy.allows(ADMIN, "os_compute_api:os-shelve:shelve", "red")


def test_our_names_of_before_still_work(settings: Any) -> None:
    _write(settings, '"compute:server:metadata": "rule:reader"\n"compute:server:stop": "!"\n')
    for verb in ("create", "update", "update_all", "delete"):
        assert policy.allows(READER, f"os_compute_api:server-metadata:{verb}", "red")
    assert not policy.allows(ADMIN, "os_compute_api:servers:stop", "red")


@pytest.mark.parametrize("verb", ["index", "show", "create", "delete"])
def test_a_key_pair_is_its_user_s_whatever_a_file_says_of_one_s_own(settings: Any, verb: str) -> None:
    rule, own, other = f"os_compute_api:os-keypairs:{verb}", {"user_id": "u"}, {"user_id": "r"}
    assert (
        policy.allows(MEMBER, rule, own)
        and not policy.allows(MEMBER, rule, other)
        and policy.allows(ADMIN, rule, other)
    )
    _write(settings, '"compute:keypair": "role:member"\n')
    assert policy.allows(MEMBER, rule, own) and not policy.allows(MEMBER, rule, other)
    assert not policy.allows(READER, rule, other) and policy.allows(ADMIN, rule, other)


def test_each_rule_of_before_names_rules_that_are() -> None:
    assert set(FORMERLY) <= set(RULES)
    assert {name for check in FORMERLY.values() for name in rules._OLD_NAME.findall(check)} == set(OLD)


def test_every_verb_of_a_server_has_a_rule() -> None:
    assert states.VERBS.keys() - verb_rules.RULES.keys() == {"create"}  # it finds no server
    assert set(verb_rules.RULES.values()) <= set(RULES)
