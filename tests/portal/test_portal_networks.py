"""The network panels: the rule editor's lines and their difference, the map, and what only operators see."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from compute.servers.models import Server
from identity.models import Project
from networking.networks import services as networks
from networking.networks.models import Network, NetworkGrant
from networking.ports import services as ports
from networking.ports.models import FixedIP, Port
from networking.routers import interfaces
from networking.routers import services as routers
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.subnets import services as subnets
from portal.networks.rules import INGRESS, lines_of, rules_of
from tests.simulated.people import actor

BLANK = {"protocol": "tcp", "ports": "", "remote": "", "cidr": "", "family": "", "description": ""}


def project(name: str = "demo") -> str:
    return str(Project.objects.get(name=name, is_domain=False).pk)


@pytest.mark.parametrize(
    ("ports", "spans"),
    [
        ("22", [(22, 22)]),
        ("22, 80 443;8000 - 8100", [(22, 22), (80, 80), (443, 443), (8000, 8100)]),
        ("any", [(None, None)]),
    ],
)
def test_several_ports_stand_in_one_field(ports: str, spans: list[tuple[int | None, int | None]]) -> None:
    found = rules_of(INGRESS, {**BLANK, "ports": ports, "family": "IPv4"}, "192.0.2.1")
    assert [(one.match.low, one.match.high) for one in found] == spans


@pytest.mark.parametrize(
    ("line", "saying"),
    [
        ({}, "Which ports"),
        ({"ports": "ssh"}, "“ssh” is no port"),
        ({"ports": "70000"}, "from 1 to 65535"),
        ({"ports": "90-80"}, "the first one first"),
        ({"protocol": "gre", "ports": "22"}, "have ports"),
        ({"ports": "22", "remote": "cidr"}, "Which network"),
        ({"ports": "22", "remote": "cidr", "cidr": "10.0.0.0/99"}, "no network such as"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: dict[str, str], saying: str) -> None:
    with pytest.raises(ValidationError, match=saying):
        rules_of(INGRESS, {**BLANK, **line}, "192.0.2.1")


def test_my_address_is_a_range_of_one_and_anywhere_is_of_both_kinds() -> None:
    mine = rules_of(INGRESS, {**BLANK, "ports": "22", "remote": "mine"}, "2001:db8::7")
    assert [(one.match.ethertype, one.match.prefix) for one in mine] == [("IPv6", "2001:db8::7/128")]
    ping = rules_of(INGRESS, {**BLANK, "protocol": "icmp"}, "")
    assert [(one.match.ethertype, one.match.protocol) for one in ping] == [("IPv4", "icmp"), ("IPv6", "ipv6-icmp")]


def test_saving_an_untouched_editor_changes_nothing(demo: Client) -> None:
    """Whatever rules there are: each reads back as itself."""
    group = SecurityGroup.objects.create(project_id=project(), name="all-kinds")
    defaults.add_first_rules(group)
    kinds: list[dict[str, Any]] = [
        {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.1.2.3/8"},
        {"protocol": "tcp", "port_range_min": 80, "port_range_max": 90, "description": "from all"},
        {"protocol": "17"}, {"protocol": "47", "ethertype": "IPv6"}, {"protocol": "icmp", "port_range_min": 8},
        {"protocol": "icmp", "port_range_min": 8, "port_range_max": 0}, {"remote_group": group},
        {"protocol": "ipv6-icmp", "ethertype": "IPv6"}, {"protocol": "sctp", "remote_ip_prefix": "0.0.0.0/0"},
        {"protocol": "58", "ethertype": "IPv4"}, {"protocol": "ipv6-route", "ethertype": "IPv6"},
    ]  # fmt: skip
    for values in kinds:
        SecurityGroupRule.objects.create(group=group, project_id=group.project_id, direction="ingress", **values)
    before = set(group.rules.values_list("pk", flat=True))
    sent: dict[str, str] = {"base": ",".join(before)}
    for way in ("ingress", "egress"):
        for at, line in enumerate(lines_of(group.rules.filter(direction=way))):
            sent |= {f"{way}-{at}-{part}": value for part, value in line.items()}
    answer = demo.post(f"/security-groups/{group.pk}/rules", sent)
    assert answer.status_code == 302, re.findall(r'class="bad sm[^<]*<', answer.content.decode())
    assert set(group.rules.values_list("pk", flat=True)) == before


@pytest.fixture
def drawn(demo: Client, make_servers: Callable[..., list[Server]]) -> dict[str, Any]:
    """A network with an instance, on a router with a gateway; and one that is on none."""
    own, root = actor(project()), actor(project("admin"), "admin")
    outside = Network.objects.filter(external=True).first() or networks.create(root, name="public", external=True)
    subnets.create(root, network_id=outside.pk, cidr="203.0.113.0/24", ip_version=4)
    made = networks.create(own, name="drawn")
    subnet = subnets.create(own, network_id=made.pk, cidr="10.61.0.0/24", ip_version=4)
    router = routers.create(own, name="way", external_gateway_info={"network_id": outside.pk})
    interfaces.add(own, router.pk, subnet_id=subnet.pk)
    server = make_servers(1, name="guest-1")[0]
    port = ports.create(own, network_id=made.pk)
    Port.objects.filter(pk=port.pk).update(server_id=server.id)
    loose = networks.create(own, name="loose")
    return {"network": made, "router": router, "server": server, "loose": loose, "outside": outside}


def test_the_map_shows_what_is_joined_with_what(demo: Client, drawn: dict[str, Any]) -> None:
    page = demo.get("/topology").content.decode()
    for text in ("drawn", "way", "guest-1", "10.61.0.1", "SNAT", "not routed"):
        assert text in page
    graph = demo.get("/topology?view=graph&live=1", headers={"HX-Request": "true"}).content.decode()
    held = re.search(r'id="graph-data"[^>]*>(.*?)</script>', graph, re.S)
    assert held is not None
    data = json.loads(held[1])
    edges = {(one["source"], one["target"]) for one in data if "source" in one}
    router, network = f"router:{drawn['router'].pk}", f"network:{drawn['network'].pk}"
    assert {(router, network), (router, f"network:{drawn['outside'].pk}")} <= edges
    assert (f"instance:{drawn['server'].id}", network) in edges


def test_the_card_beside_the_map_comes_back_to_it(demo: Client, drawn: dict[str, Any]) -> None:
    for kind, id, verb in (
        ("network", drawn["network"].pk, "create-subnet"), ("router", drawn["router"].pk, "remove-interface"),
        ("instance", drawn["server"].id, "delete"),
    ):  # fmt: skip
        card = demo.get(f"/topology/{kind}/{id}", headers={"HX-Request": "true"}).content.decode()
        assert f'data-action="{verb}"' in card and "?next=/topology" in card
    url = f"/networks/{drawn['loose'].pk}/delete?next=/topology"
    answer = demo.post(url, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/topology"
    gone = demo.get(f"/topology/network/{drawn['loose'].pk}", headers={"HX-Request": "true"})
    assert gone.status_code == 200 and b"not there any more" in gone.content


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org", "javascript:alert(1)", "\\\\example.org"]
)
def test_a_dialog_leads_to_no_other_site(demo: Client, elsewhere: str) -> None:
    answer = demo.post(f"/security-groups/create?next={elsewhere}", {"name": "stays"}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/security-groups/")


def test_operators_make_a_network_for_a_project_and_open_it_to_another(admin: Client, demo: Client) -> None:
    sent = {"name": "theirs", "project": project(), "kind": "vxlan", "segment": "4242", "admin_state_up": "on",
            "port_security_enabled": "on", "cidr": "10.62.0.0/24", "enable_dhcp": "on"}  # fmt: skip
    assert admin.post("/all-networks/create", {**sent, "kind": ""}).status_code == 422, "a segment needs a kind"
    assert admin.post("/all-networks/create", sent).status_code == 302
    network = Network.objects.get(name="theirs")
    assert (network.project_id, network.segment) == (project(), 4242)
    assert "theirs" in admin.get("/all-networks?project=demo").content.decode()
    assert "theirs" not in admin.get("/all-networks?project=no-such").content.decode()
    policy = {"network": network.pk, "action": "access_as_shared", "target": project("admin")}
    assert admin.post("/rbac-policies/create", policy).status_code == 302
    assert admin.post("/rbac-policies/create", policy).status_code >= 400, "twice the same"
    grant = NetworkGrant.objects.get(network=network)
    assert admin.post(f"/rbac-policies/{grant.pk}/edit", {"target": "*"}).status_code == 302
    assert NetworkGrant.objects.get(network=network).target_project == "*"
    for path, values in (("/rbac-policies/create", policy), ("/all-networks/create", sent)):
        assert (demo.get(path).status_code, demo.post(path, values).status_code) == (403, 403), path
    foreign = networks.create(actor(project("admin"), "admin"), name="of-admin")
    for path in ("/all-networks", "/all-routers", "/all-floating-ips", "/rbac-policies"):
        answer = demo.get(f"{path}?rows={foreign.pk}", headers={"HX-Request": "true"})
        assert answer.status_code == 403 and "of-admin" not in answer.content.decode(), path


def test_what_was_wrong_with_one_form_is_not_wrong_with_the_next(demo: Client) -> None:
    group = SecurityGroup.objects.create(project_id=project(), name="twice")
    line = {f"ingress-0-{part}": value for part, value in BLANK.items()}
    refused = demo.post(f"/security-groups/{group.pk}/rules", {**line, "ingress-0-ports": "ssh"})
    assert refused.status_code == 422 and "is no port" in refused.content.decode()
    assert demo.post(f"/security-groups/{group.pk}/rules", {**line, "ingress-0-ports": "22"}).status_code == 302
    assert group.rules.count() == 2


def test_a_second_router_on_a_subnet_gets_another_address(demo: Client, drawn: dict[str, Any]) -> None:
    """Its choice says that the gateway's is taken; and a subnet that a router is on already is none of its choices."""
    other = routers.create(actor(project()), name="other")
    path = f"/routers/{other.pk}/interfaces/add"
    subnet = drawn["network"].subnets.get()
    offered = re.search(rf'value="{subnet.pk}"[^>]*>([^<]*)<', demo.get(path).content.decode())
    assert offered is not None and "10.61.0.1 is taken" in offered[1]
    assert demo.post(path, {"subnet": subnet.pk, "ip": ""}).status_code == 302
    (held,) = FixedIP.objects.filter(port__router=other)
    assert held.subnet_id == subnet.pk and held.ip_address != "10.61.0.1"
    assert subnet.pk not in demo.get(path).content.decode()
    made = demo.post("/routers/create", {"name": "third", "admin_state_up": "on", "subnet": subnet.pk})
    assert made.status_code == 302
    assert (
        FixedIP.objects.filter(port__router__name="third", subnet=subnet).exclude(ip_address="10.61.0.1").count() == 1
    )
