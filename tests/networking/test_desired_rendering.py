"""Wanted state: what hosts are told, and that changes alone lead to the same as rendering everything."""

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authorization.context import RequestContext
from common.clock import now
from hostagent.contract.network import piece_hash
from networking import reconcile
from networking.desired import in_sync, sync
from networking.desired.models import HostPiece
from networking.desired.rendering import render
from networking.floatingips import services as floatingips
from networking.networks import services as networks
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports import updates
from networking.ports.devices import Attachment
from networking.ports.models import Port
from networking.routers import interfaces
from networking.routers import services as routers
from networking.routers.models import Router
from networking.securitygroups import defaults, rules
from networking.securitygroups import services as groups
from networking.securitygroups.models import SecurityGroup
from networking.subnets import services as subnets
from tests.networking.conftest import wanted_hashes


def every_piece() -> list[str]:
    """Every piece that any host could need, from rows alone."""
    networks = list(Network.objects.values_list("id", flat=True))
    ports = Port.objects.of_guests().exclude(host="").values_list("id", flat=True)
    return [
        *(f"network:{id}" for id in networks),
        *(f"dhcp:{id}" for id in networks),
        *(f"port:{id}" for id in ports),
        *(f"group:{id}" for id in SecurityGroup.objects.values_list("id", flat=True)),
        *(f"router:{id}" for id in Router.objects.values_list("id", flat=True)),
    ]


def everything() -> dict[tuple[str, str], str]:
    return {(host, piece): piece_hash(body) for piece, on in render(every_piece()).items() for host, body in on.items()}


def boot(actor: RequestContext, network: Network, host: str) -> Port:
    server = Attachment("s1", str(actor.project_id), "compute:nova", "")
    port = ports.create(actor, network_id=network.id, attachment=server)
    ports.bind(port.id, host)
    return port


def test_a_bound_port_brings_its_network_groups_and_dhcp(agents, demo, private) -> None:
    port = boot(demo, private, "host1")
    sync.drain()
    group = defaults.ensure_default(demo.project_id or "")
    on_host1 = {piece for host, piece in wanted_hashes() if host == "host1"}
    assert {f"network:{private.id}", f"port:{port.id}", f"group:{group.id}"} <= on_host1
    dhcp = render([f"dhcp:{private.id}"])[f"dhcp:{private.id}"]
    assert list(dhcp) == [Network.objects.get(pk=private.id).dhcp_host]
    entry = next(iter(dhcp.values()))["hosts"][0]
    assert entry == {
        "port_id": port.id,
        "mac": port.mac_address,
        "ips": [{"subnet_id": private.subnets.get().id, "ip": "10.0.0.3"}],
        "hostname": "host-10-0-0-3",
    }


def test_bodies_are_as_the_contract_says(agents, demo, private, external) -> None:
    subnet = private.subnets.get()
    router = routers.create(demo, name="r", external_gateway_info={"network_id": external.id})
    interfaces.add(demo, router.id, subnet_id=subnet.id)
    port = boot(demo, private, "host1")
    floating = floatingips.create(demo, network_id=external.id, port_id=port.id)
    router.refresh_from_db()
    body = render([f"router:{router.id}"])[f"router:{router.id}"][router.host]
    gateway = Port.objects.get(device_owner="network:router_gateway")
    interface = Port.objects.get(device_owner="network:router_interface")
    assert body == {
        "id": router.id,
        "up": True,
        "snat": True,
        "external": {
            "network_id": external.id,
            "port_id": gateway.id,
            "mac": gateway.mac_address,
            "ips": [{"ip": "172.24.4.2", "prefix": 24}],
            "gateway": "172.24.4.1",
        },
        "interfaces": [
            {
                "port_id": interface.id,
                "network_id": private.id,
                "mac": interface.mac_address,
                "ips": [{"ip": "10.0.0.1", "prefix": 24}],
                "mtu": 1450,
            }
        ],
        "floating": [{"id": floating.id, "ip": "172.24.4.3", "fixed_ip": "10.0.0.3"}],
        "routes": [],
        "metadata": True,
    }
    assert render([f"port:{port.id}"])[f"port:{port.id}"]["host1"]["ips"] == ["10.0.0.3"]


def test_a_floating_ip_is_active_once_its_routers_host_says_so(agents, demo, private, external) -> None:
    router = routers.create(demo, name="r", external_gateway_info={"network_id": external.id})
    interfaces.add(demo, router.id, subnet_id=private.subnets.get().id)
    router.refresh_from_db()
    port = boot(demo, private, "host1")
    agents.settle()
    made = floatingips.create(demo, network_id=external.id)

    def point(port_id: str | None) -> str:
        return floatingips.update(demo, made.id, port_id=port_id).status

    def status() -> str:
        made.refresh_from_db()
        return made.status

    assert point(port.id) == "DOWN"
    agents.report(router.host)
    assert status() == "DOWN", "the host speaks of what it had before"
    sync.drain()
    assert status() == "DOWN", "it was told, and has not answered"
    agents.report(router.host, failed={f"router:{router.id}": {"code": "network_refused", "data": {}}})
    assert status() == "DOWN", "it could not"
    agents.report(router.host)
    assert status() == "ACTIVE"
    assert point(port.id) == "ACTIVE", "nothing changed"
    assert point(None) == "DOWN"
    agents.report(router.host)
    assert status() == "DOWN", "it leads nowhere"
    assert point(port.id) == "DOWN"
    sync.drain()
    assert status() == "ACTIVE", "back before anything was rendered: the host has it as it is"


def test_networks_on_two_hosts_know_each_others_ports(agents, demo, private) -> None:
    here, there = boot(demo, private, "host1"), boot(demo, private, "host2")
    bodies = render([f"network:{private.id}"])[f"network:{private.id}"]
    assert bodies["host1"]["peers"] == ["10.99.0.2"]
    assert {"mac": there.mac_address, "ips": ["10.0.0.4"], "host_ip": "10.99.0.2"} in bodies["host1"]["remote"]
    assert here.mac_address in {remote["mac"] for remote in bodies["host2"]["remote"]}


def test_a_port_is_wired_only_when_everything_it_needs_was_reported(agents, demo, private) -> None:
    Network.objects.filter(pk=private.id).update(dhcp_host="host2")
    Port.objects.filter(device_owner="network:dhcp").update(host="host2")
    port = boot(demo, private, "host1")
    assert in_sync("host1", [port.id]) is None, "nothing is rendered yet"
    sync.drain()
    assert in_sync("host1", [port.id]) is None, "nothing is reported yet"
    agents.report("host1")
    assert in_sync("host1", [port.id]) is None, "its DHCP server does not know it yet"
    agents.report("host2")
    assert in_sync("host1", [port.id]) is True
    assert Port.objects.get(pk=port.id).status == "ACTIVE"


def test_a_busy_dhcp_server_does_not_starve_a_port(agents, demo, private) -> None:
    first = boot(demo, private, "host1")
    sync.drain()
    agents.deliver()
    seen = {host: agents.pieces(host) for host in agents.hosts()}
    boot(demo, private, "host1")
    sync.drain()
    for host, hashes in seen.items():  # the reports of the first state arrive after the second was sent
        agents.report(host, hashes=hashes)
    assert in_sync("host1", [first.id]) is True


def test_what_a_host_could_not_do_is_told(agents, demo, private) -> None:
    port = boot(demo, private, "host1")
    sync.drain()
    failure = {"code": "network_refused", "data": {"piece": f"network:{private.id}", "detail": "no room"}}
    agents.report("host1", failed={f"network:{private.id}": failure})
    assert in_sync("host1", [port.id]) == failure


def test_a_deleted_port_leaves_nothing(agents, demo, private) -> None:
    port = boot(demo, private, "host1")
    agents.settle()
    ports.delete(demo, port.id)
    agents.settle()
    assert wanted_hashes() == everything()
    assert f"port:{port.id}" not in agents.pieces("host1")
    HostPiece.objects.update(sent_at=now() - timedelta(minutes=2))
    sync.recover()
    assert not HostPiece.objects.filter(piece=f"port:{port.id}").exists()


def test_a_piece_nobody_knows_is_set_aside(agents, demo, private) -> None:
    agents.settle()
    agents.report("host1", hashes={**agents.pieces("host1"), "port:stray": "0" * 32})
    _host, last = agents.told()[-1]
    assert last["aside"] == ["port:stray"] and last["remove"] == []


def test_only_what_changed_is_sent(agents, demo, private) -> None:
    first = boot(demo, private, "host1")
    agents.settle()
    agents.forget_orders()
    second = boot(demo, private, "host1")
    sync.drain()
    sent = {piece for _host, body in agents.told() for piece in body["pieces"]}
    assert f"port:{second.id}" in sent
    assert f"port:{first.id}" not in sent


def test_a_host_that_says_hello_gets_everything(agents, demo, private) -> None:
    boot(demo, private, "host1")
    agents.settle()
    agents.forget_orders()
    sync.run("full:host1")
    ((host, body),) = agents.told()
    assert (host, body["full"]) == ("host1", True)
    assert {piece: wanted["hash"] for piece, wanted in body["pieces"].items()} == {
        piece: hash for (on, piece), hash in wanted_hashes().items() if on == "host1"
    }


def test_dhcp_and_routers_leave_a_host_that_is_down(agents, demo, private, external) -> None:
    from hosts.models import Host

    router = routers.create(demo, external_gateway_info={"network_id": external.id})
    interfaces.add(demo, router.id, subnet_id=private.subnets.get().id)
    agents.settle()
    home = Network.objects.get(pk=private.id).dhcp_host
    Host.objects.filter(name=home).update(state="down")
    reconcile.on_host_state(home, "down")
    agents.settle()
    router.refresh_from_db()
    assert Network.objects.get(pk=private.id).dhcp_host not in ("", home)
    assert router.host != home
    assert wanted_hashes() == everything()


class Script:
    """Does one random thing after another to a small cloud."""

    def __init__(self, actor: RequestContext, external: Network) -> None:
        self.actor, self.external = actor, external
        self.count = 0

    def pick(self, rows: Any, number: int) -> Any:
        found = list(rows.order_by("id"))
        return found[number % len(found)] if found else None

    def do(self, step: tuple[str, int, int]) -> None:
        name, a, b = step
        getattr(self, name)(a, b)

    def network(self, a: int, b: int) -> None:
        self.count += 1
        made = networks.create(self.actor, name=f"n{self.count}")
        subnets.create(self.actor, network_id=made.id, cidr=f"10.{self.count}.0.0/24", enable_dhcp=bool(a % 3))

    def port(self, a: int, b: int) -> None:
        network = self.pick(Network.objects.filter(external=False), a)
        if network:
            boot(self.actor, network, f"host{1 + b % 2}")

    def unbind(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova"), a)
        if port:
            ports.unbind(port.id)

    def move(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova"), a)
        if port:
            ports.bind(port.id, f"host{1 + b % 2}")

    def drop(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova"), a)
        if port:
            ports.delete(self.actor, port.id)

    def regroup(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova"), a)
        group = self.pick(groups.SecurityGroup.objects.all(), b)
        if port and group:
            updates.update(self.actor, port.id, security_groups=[group.id], allowed_address_pairs=[])

    def pair(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova"), a)
        if port:
            updates.update(self.actor, port.id, allowed_address_pairs=[{"ip_address": f"192.0.2.{b}"}])

    def group(self, a: int, b: int) -> None:
        self.count += 1
        groups.create(self.actor, name=f"g{self.count}")

    def rule(self, a: int, b: int) -> None:
        group = self.pick(groups.SecurityGroup.objects.all(), a)
        remote = self.pick(groups.SecurityGroup.objects.all(), b)
        if group and remote:
            self.count += 1
            rules.create(
                self.actor,
                security_group_id=group.id,
                direction="ingress",
                protocol="tcp",
                port_range_min=self.count,
                port_range_max=self.count,
                remote_group_id=remote.id,
            )

    def unrule(self, a: int, b: int) -> None:
        rule = self.pick(rules.SecurityGroupRule.objects.all(), a)
        if rule:
            rules.delete(self.actor, rule.id)

    def router(self, a: int, b: int) -> None:
        network = self.pick(Network.objects.filter(external=False), a)
        if network is None or Port.objects.filter(network=network, device_owner="network:router_interface").exists():
            return
        made = routers.create(self.actor, external_gateway_info={"network_id": self.external.id})
        interfaces.add(self.actor, made.id, subnet_id=network.subnets.first().id)

    def floating(self, a: int, b: int) -> None:
        port = self.pick(Port.objects.filter(device_owner="compute:nova", floating_ips=None), a)
        if port and Port.objects.filter(network=port.network, device_owner="network:router_interface").exists():
            floatingips.create(self.actor, network_id=self.external.id, port_id=port.id)

    def unfloating(self, a: int, b: int) -> None:
        floating = self.pick(floatingips.FloatingIP.objects.all(), a)
        if floating:
            floatingips.update(self.actor, floating.id, port_id=None)

    def nodhcp(self, a: int, b: int) -> None:
        subnet = self.pick(subnets.Subnet.objects.filter(network__external=False), a)
        if subnet:
            subnets.update(self.actor, subnet.id, enable_dhcp=bool(b % 2))

    def mtu(self, a: int, b: int) -> None:
        network = self.pick(Network.objects.filter(external=False), a)
        if network:
            networks.update(self.actor, network.id, mtu=1400 - b)


#: Something to work on: two networks, ports on both hosts, groups whose rules name each other.
BEGIN = [
    ("network", 1, 0),
    ("network", 1, 0),
    ("port", 0, 0),
    ("port", 1, 1),
    ("group", 0, 0),
    ("group", 0, 0),
    ("rule", 1, 2),
]
STEPS = sorted(name for name in vars(Script) if not name.startswith("_") and name not in ("do", "pick"))


@settings(
    max_examples=int(os.environ.get("WANTED_EXAMPLES", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12)
)
def test_changes_alone_lead_to_the_same_as_rendering_everything(agents, admin, external, steps) -> None:
    from django.db import transaction

    class Undo(Exception):
        pass

    for host in agents.hosts():  # of the example before, whose rows are gone
        agents.agent(host).network.driver.remove_all()
    with pytest.raises(Undo), transaction.atomic():
        script = Script(admin, external)
        for step in [*BEGIN, *steps]:
            script.do(step)
            sync.drain()  # after each step: else what one step forgot is rendered for the sake of another
        assert wanted_hashes() == everything()
        agents.deliver()
        for host in agents.hosts():
            assert agents.pieces(host) == {
                key: piece_hash(piece["body"]) for key, piece in agents.bodies(host).items()
            }, "what a host made of differences has the hash it was told"
        agents.settle()
        assert not floatingips.FloatingIP.objects.filter(status="DOWN").exclude(port=None).exists()
        raise Undo
