"""Policy: the table, the operator's file, and what a denied caller is told."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from authorization import policy, rules
from authorization.context import RequestContext
from cloud import troubles
from common.errors import Forbidden, NotFound
from tests.live import CLONE


@pytest.fixture(autouse=True)
def some_rules() -> None:
    rules.register("tests", {"tests:stop": "rule:member", "tests:see": "rule:reader", "tests:own": "rule:admin"})
    rules._table.reset()


def actor(*roles: str, project_id: str | None = "red", **more: Any) -> RequestContext:
    return RequestContext(user_id="u", project_id=project_id, roles=frozenset(roles), **more)


MEMBER, READER, ADMIN = actor("member", "reader"), actor("reader"), actor("admin", "manager", "member", "reader")


def test_roles_count_in_their_own_project_only() -> None:
    assert policy.allows(MEMBER, "tests:stop")
    assert policy.allows(MEMBER, "tests:stop", "red")
    assert not policy.allows(MEMBER, "tests:stop", "blue")
    assert not policy.allows(READER, "tests:stop", "red")
    assert policy.allows(ADMIN, "tests:stop", "blue")


@pytest.mark.parametrize("target", [None, {}, {"project_id": None}])
def test_a_token_without_a_project_is_no_member_of_nothing(target: Any) -> None:
    nowhere = actor("member", "reader", project_id=None, domain_id="default")
    assert not policy.allows(nowhere, "tests:stop", target)


@pytest.mark.django_db
def test_what_is_another_project_s_does_not_exist() -> None:
    with pytest.raises(NotFound):
        policy.require(MEMBER, "tests:stop", "blue")
    with pytest.raises(Forbidden, match="needs the role member; you have reader"):
        policy.require(READER, "tests:stop", "red")
    with pytest.raises(Forbidden, match="needs the role admin"):
        policy.require(MEMBER, "tests:own", "red")


def test_an_unknown_rule_is_a_fault_not_a_permission() -> None:
    with pytest.raises(KeyError):
        policy.allows(MEMBER, "tests:unheard-of")
    with pytest.raises(ValueError, match="does not parse"):
        rules.register("tests", {"tests:bad": "role:admin or or"})
    with pytest.raises(ValueError, match="belongs to"):
        rules.register("others", {"tests:stop": "@"})
    with pytest.raises(ValueError, match="belongs to"):
        rules.register("others", {"admin": "@"})


def _write(settings: Any, text: str) -> None:
    path = Path(settings.POLICY_FILE)
    path.write_text(text)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    rules._table._looked_at = -10.0


def test_the_operator_s_file_overrides_and_is_read_again_when_it_changes(settings: Any) -> None:
    _write(settings, '"tests:stop": "rule:reader"\n')
    assert policy.allows(READER, "tests:stop", "red")
    _write(settings, '"tests:stop": "!"\n')
    assert not policy.allows(ADMIN, "tests:stop", "red")
    Path(settings.POLICY_FILE).unlink()
    rules._table._looked_at = -10.0
    assert policy.allows(MEMBER, "tests:stop", "red")


@pytest.mark.parametrize(
    "broken", ["[", "just text", '7: "@"\nx: "@"', '"tests:stop": 7', '"tests:stop": "role:member or or"']
)
def test_a_broken_file_changes_nothing(settings: Any, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    _write(settings, '"tests:stop": "rule:reader"\n')
    assert policy.allows(READER, "tests:stop", "red")
    _write(settings, broken)
    assert policy.allows(READER, "tests:stop", "red")
    assert "is not used" in caplog.text


def _renamed() -> None:
    rules.register(
        "tests",
        {"tests_api:pause": "rule:member", "tests_api:pause:all": "rule:admin"},
        formerly={"tests_api:pause": "rule:tests:pause", "tests_api:pause:all": "rule:tests:pause"},
        old={"tests:pause": "rule:member"},
    )


def test_a_rule_is_still_overridden_under_its_name_of_before(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every rule that has come of it; and the file's other rules may still name it."""
    _renamed()
    assert policy.allows(MEMBER, "tests_api:pause", "red") and not policy.allows(MEMBER, "tests_api:pause:all", "red")
    _write(settings, '"tests:pause": "rule:reader"\n"tests:stop": "rule:tests:pause"\n')
    assert all(policy.allows(READER, rule, "red") for rule in ("tests_api:pause", "tests_api:pause:all", "tests:stop"))
    assert "tests:pause is called tests_api:pause now" in caplog.text and "unknown" not in caplog.text


def test_a_file_with_both_names_means_the_new_one(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    _renamed()
    _write(settings, '"tests:pause": "rule:reader"\n"tests_api:pause": "!"\n')
    assert not policy.allows(ADMIN, "tests_api:pause", "red")
    assert policy.allows(READER, "tests_api:pause:all", "red")
    assert "tests_api:pause stands beside tests:pause" in caplog.text


def test_a_name_of_before_may_refer_to_the_new_one(settings: Any) -> None:
    _renamed()
    _write(settings, '"tests:pause": "rule:tests_api:pause"\n')
    assert policy.allows(MEMBER, "tests_api:pause", "red") and not policy.allows(READER, "tests_api:pause", "red")


@pytest.mark.parametrize(
    ("circle", "rule"),
    [
        ('"tests:see": "rule:tests:stop"\n"tests:stop": "rule:tests:see"\n', "tests:stop"),
        ('"tests:stop": "role:nobody or (not rule:tests:stop)"\n', "tests:stop"),
        ('"tests:pause": "rule:tests_api:pause or role:nobody"\n', "tests_api:pause"),
    ],
)
def test_rules_that_refer_to_each_other_change_nothing(
    settings: Any, circle: str, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    _renamed()
    _write(settings, '"tests:stop": "rule:reader"\n')
    assert policy.allows(READER, "tests:stop", "red")
    _write(settings, circle)
    assert policy.allows(READER, "tests:stop", "red") and policy.allows(MEMBER, "tests_api:pause", "red")
    assert "refer to each other" in caplog.text
    rules._table.reset()  # of a process that begins with such a file
    assert policy.allows(MEMBER, rule, "red") and not policy.allows(READER, rule, "red")


@pytest.mark.parametrize("fault", ["role:member or or", "not rule:tests:blocked", "7"])
def test_a_fault_in_one_rule_opens_no_other_to_a_process_that_begins(
    settings: Any, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A restart after such an edit put the defaults in force, also for what the file forbids."""
    check = fault if fault == "7" else f'"{fault}"'
    _write(settings, f'"tests:stop": {check}\n"tests:see": "!"\n"tests:own": "@"\n')
    assert not policy.allows(ADMIN, "tests:see", "red"), "it stays forbidden"
    assert not policy.allows(MEMBER, "tests:own", "red") and policy.allows(ADMIN, "tests:own", "red"), "nothing opens"
    assert policy.allows(MEMBER, "tests:stop", "red") and not policy.allows(READER, "tests:stop", "red")
    assert "only restricts" in caplog.text


@pytest.mark.parametrize(
    "line", ['"x": "@', "x: y: z", "\tx: @", "- x", "just text", 'rules: {"tests:stop": "@"}', "7: '@'", "%"]
)
def test_a_file_that_is_no_yaml_restricts_in_a_process_that_begins(
    settings: Any, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    _write(settings, f'"tests:see": "!"\n{line}\n"tests:own": "@"\n')
    assert not policy.allows(ADMIN, "tests:see", "red"), "what can be read of it restricts"
    assert not policy.allows(MEMBER, "tests:own", "red") and policy.allows(ADMIN, "tests:own", "red"), "nothing opens"
    assert "only restricts" in caplog.text and "only restricts" in _doctor()


@pytest.mark.parametrize(
    "text", ["just text", "[", '{"tests:stop": "!",', "\x00", 'rules:\n  "tests:stop": "@"\n', None]
)
def test_a_file_without_any_rule_lets_in_administrators_and_services_alone(
    settings: Any, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if text is None:
        Path(settings.POLICY_FILE).mkdir()
    else:
        _write(settings, text)
    service = actor("service")
    assert not policy.allows(MEMBER, "tests:stop", "red") and not policy.allows(MEMBER, "identity:list_projects", "red")
    assert policy.allows(ADMIN, "tests:stop", "red") and policy.allows(service, "identity:validate_token", "red")
    assert "cannot be read" in caplog.text and "cannot be read" in _doctor()


def test_doctor_has_nothing_to_say_of_a_file_that_is_in_force_or_not_there(settings: Any) -> None:
    assert _doctor() == ""
    _write(settings, '"tests:stop": "rule:reader"\n')
    assert _doctor() == ""
    _write(settings, "[")
    assert "is not used" in _doctor()
    _write(settings, '"tests:stop": "rule:reader"\n')
    assert _doctor() == ""


def _doctor() -> str:
    """What doctor says of the policy file."""
    return " ".join(one.text for one in troubles._policy())


@pytest.mark.parametrize("typo", ["not rule:tests:blocked", "role:reader and not (rule:tests:blocked)", "not blocked"])
def test_a_typo_after_not_lets_nobody_in(settings: Any, typo: str, caplog: pytest.LogCaptureFixture) -> None:
    policy.allows(READER, "tests:stop", "red")
    _write(settings, f'"tests:stop": "{typo}"\n')
    assert not policy.allows(READER, "tests:stop", "red")
    assert "is not used" in caplog.text


def test_a_reference_to_no_rule_is_told(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    _write(settings, '"tests:stop": "role:nobody or rule:admin_or_ownr"\n')
    assert not policy.allows(ADMIN, "tests:stop", "red")
    assert "tests:stop refers to rules that are not there: admin_or_ownr" in caplog.text


def test_scopes_of_a_rule_hold() -> None:
    domain_admin = actor("admin", project_id=None, domain_id="default")
    assert not policy.allows(domain_admin, "identity:create_region", {})
    assert policy.allows(ADMIN, "identity:create_region", {})


@pytest.mark.django_db
def test_a_denial_can_be_explained() -> None:
    why = policy.explain(READER, "tests:stop", "red")
    assert (why.allowed, why.wanted, why.has) == (False, ("member",), ("reader",))
    assert "needs the role member" in why.sentence
    assert policy.explain(ADMIN, "tests:stop", "red").allowed


def test_every_rule_parses_and_names_only_rules_that_exist() -> None:
    from oslo_policy import _checks

    table = rules._table.fresh()

    def named(check: Any) -> set[str]:
        if isinstance(check, _checks.RuleCheck):
            return {check.match}
        return set().union(*(named(one) for one in getattr(check, "rules", []))) | (
            named(check.rule) if hasattr(check, "rule") else set()
        )

    for name, check in table.rules.items():
        assert named(check) <= set(table.rules), name


@pytest.mark.process
def test_a_check_by_http_is_loaded_when_a_rule_names_one() -> None:
    """In a fresh process: nothing of it is there before, and oslo.policy's own check is what the rule becomes."""
    script = (
        "import sys, django; django.setup(); from authorization import policy; from oslo_policy import _parser;"
        "assert 'requests' not in sys.modules and 'psycopg' not in sys.modules;"
        "print(type(_parser.parse_rule('http://127.0.0.1/check')).__name__, type(_parser.parse_rule('role:x')).__name__)"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cloud.settings",
        "STACKLING_SECRET_KEY": "signs-nothing",
        "DATABASE_URL": "",
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["HttpCheck", "RoleCheck"], done.stderr
