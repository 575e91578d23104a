"""The list of first steps on the overview: ticked by facts, put away for good."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from compute.keypairs.models import KeyPair
from compute.servers.models import Server
from identity.models import Project, User
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroupRule
from tests.portal.conftest import enter


def states(client: Client) -> dict[str, str]:
    """Step → done | waiting, as the overview shows them; {} without the list."""
    text = client.get("/").content.decode()
    return dict(re.findall(r'data-step="(\w+)"\s*data-status="(\w+)"', text)) if "first-steps" in text else {}


def test_first_steps_are_ticked_by_facts_and_put_away_for_good(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    """I15: an empty overview leads from a key to ssh; who puts the list away does not see it again, signed in anew either."""
    assert states(demo) == dict.fromkeys(("key", "instance", "port", "address", "ssh"), "waiting")
    user = User.objects.get(name="demo")
    KeyPair.objects.create(user_id=user.pk, name="k", public_key="ssh-ed25519 AAAA", fingerprint="f")
    make_servers(1)
    assert {name for name, state in states(demo).items() if state == "done"} == {"key", "instance"}
    assert demo.post("/first-steps/away").status_code == 302
    assert states(demo) == {} and states(enter("demo")) == {}


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, "done"),
        ({"protocol": ""}, "done"),  # of all ports
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}, "waiting"),
        ({"protocol": "udp", "port_range_min": 22, "port_range_max": 22}, "waiting"),
    ],
)
def test_port_22_is_open_where_a_rule_of_the_project_lets_ssh_in(
    demo: Client, rule: dict[str, Any], state: str
) -> None:
    """The same rules as for the card that says how one reaches an instance."""
    project = Project.objects.get(name="demo")
    SecurityGroupRule.objects.create(
        group=defaults.ensure_default(project.pk), project_id=project.pk, direction="ingress", ethertype="IPv4", **rule
    )
    assert states(demo)["port"] == state


def test_a_project_with_several_instances_has_no_first_steps(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    make_servers(2)
    assert states(demo) == {}
