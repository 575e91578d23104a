"""D (rendering): one port's change costs what one port costs, not the network times its hosts."""

import json
import time
from datetime import timedelta

import pytest

from authorization.context import RequestContext
from common.clock import now
from hostagent.contract.network import PIECE_CHANGES, piece_hash
from hosts.models import Host
from networking.desired import spread, sync
from networking.desired.changes import touch
from networking.desired.models import Change, HostPiece
from networking.desired.rendering import render
from networking.networks import services as networks
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.devices import Attachment
from networking.ports.models import FixedIP, Port, PortGroup
from networking.securitygroups import defaults, rules
from networking.subnets import services as subnets
from tests.networking.conftest import Agents

PORTS, HOSTS = 1000, 50


def fill(actor: RequestContext, network: Network, count: int, hosts: int, *, capabilities: list[str]) -> None:
    """So many bound ports of guests, evenly on so many hosts, all in the default group."""
    Host.objects.filter(name__in=["host1", "host2"]).update(capabilities=capabilities)
    Host.objects.filter(name__startswith="h").exclude(name__in=["host1", "host2"]).delete()
    Host.objects.bulk_create(
        Host(
            name=f"h{n}",
            number=100 + n,
            state="up",
            speaks=2,
            underlay_ip=f"10.98.{n >> 8}.{n & 255}",
            capabilities=capabilities,
        )
        for n in range(hosts)
    )
    subnet, group = network.subnets.get(), defaults.ensure_default(actor.project_id or "")
    made = Port.objects.bulk_create(
        Port(
            network=network,
            project_id="f" * 32,  # not the quota's matter
            mac_address=f"fa:16:3e:01:{n >> 8:02x}:{n & 255:02x}",
            device_owner="compute:nova",
            host=f"h{n % hosts}",
        )
        for n in range(count)
    )
    FixedIP.objects.bulk_create(
        FixedIP(port=port, subnet=subnet, ip_address=f"10.1.{n >> 8}.{n & 255}", number=f"{n:032x}")
        for n, port in enumerate(made)
    )
    PortGroup.objects.bulk_create(PortGroup(port=port, group=group) for port in made)
    touch(f"network:{network.id}", f"group:{group.id}", f"dhcp:{network.id}")
    sync.drain()


def boot(actor: RequestContext, network: Network, host: str) -> Port:
    server = Attachment("s1", str(actor.project_id), "compute:nova", "")
    port = ports.create(actor, network_id=network.id, attachment=server)
    ports.bind(port.id, host)
    return port


def sent(agents: Agents) -> int:
    return sum(len(json.dumps(body)) for _host, body in agents.told())


def later() -> None:
    """Let the time come for what was put off."""
    Change.objects.exclude(due=None).update(due=now())
    sync.drain()


def as_rendered(agents: Agents, pieces: list[str]) -> None:
    rendered = render(pieces)
    have = {host: agents.bodies(host) for on in rendered.values() for host in on}
    for piece, on in rendered.items():
        for host, body in on.items():
            assert have[host][piece]["body"] == body
            assert HostPiece.objects.get(host=host, piece=piece).wanted == piece_hash(body)


def test_one_port_more_is_a_few_kilobytes_for_all_hosts_together(agents, demo, private) -> None:
    """Measured at 953748c: 3.9 MB of orders."""
    fill(demo, private, PORTS, HOSTS, capabilities=[PIECE_CHANGES])
    agents.forget_orders()
    port = boot(demo, private, "h1")
    sync.drain()
    at_once = {host for host, _body in agents.told()}
    assert "h1" in at_once and len(at_once) < HOSTS, (
        "the host that plugs it hears at once; the many others together, a little later"
    )
    assert Change.objects.exclude(due=None).count() == 2, "network and group"
    later()
    assert {host for host, _body in agents.told()} == {f"h{n}" for n in range(HOSTS)} | {private_dhcp(private)}
    assert sent(agents) <= 100_000
    group = defaults.ensure_default(demo.project_id or "")
    as_rendered(agents, [f"network:{private.id}", f"group:{group.id}", f"port:{port.id}", f"dhcp:{private.id}"])
    agents.forget_orders()
    ports.delete(demo, port.id)
    sync.drain()
    later()
    assert sent(agents) <= 100_000
    as_rendered(agents, [f"network:{private.id}", f"group:{group.id}", f"dhcp:{private.id}"])


def private_dhcp(network: Network) -> str:
    return str(Network.objects.get(pk=network.id).dhcp_host)


def cpu_of_one_port(actor: RequestContext, network: Network) -> float:
    """Seconds of rendering one port more, at best."""
    times = []
    for n in range(5):
        boot(actor, network, f"h{n}")
        began = time.process_time()
        sync.drain()
        times.append(time.process_time() - began)
    return min(times)


def test_the_time_for_one_port_does_not_grow_with_its_network(agents, demo, private) -> None:
    fill(demo, private, 300, 10, capabilities=[PIECE_CHANGES])
    small = cpu_of_one_port(demo, private)
    large_one = networks.create(demo, name="large")
    subnets.create(demo, network_id=large_one.id, cidr="10.1.0.0/16")
    fill(demo, large_one, 3000, 10, capabilities=[PIECE_CHANGES])
    assert cpu_of_one_port(demo, large_one) < 3 * small, "ten times the ports on as many hosts"


def test_hosts_of_an_older_release_get_whole_pieces(agents, demo, private) -> None:
    fill(demo, private, 30, 3, capabilities=[])
    agents.forget_orders()
    boot(demo, private, "h1")
    sync.drain()
    assert all("body" in piece for _host, body in agents.told() for piece in body["pieces"].values())
    as_rendered(agents, [f"network:{private.id}"])


def test_a_renderer_that_forgot_or_was_overtaken_sends_whole_pieces(agents, demo, private) -> None:
    fill(demo, private, 30, 3, capabilities=[PIECE_CHANGES])
    boot(demo, private, "h1")
    sync.drain()
    agents.forget_orders()
    HostPiece.objects.filter(host="h0", piece=f"network:{private.id}").update(wanted="0" * 32)  # another process did
    boot(demo, private, "h1")
    sync.drain()
    told = {
        host: body["pieces"][f"network:{private.id}"]
        for host, body in agents.told()
        if f"network:{private.id}" in body["pieces"]
    }
    assert "body" in told["h0"] and "from" in told["h2"]
    sync._ledgers.known.clear()  # a new process
    boot(demo, private, "h1")
    agents.forget_orders()
    sync.drain()
    assert all(
        "body" in p for _h, body in agents.told() for key, p in body["pieces"].items() if key.startswith("network:")
    )
    as_rendered(agents, [f"network:{private.id}"])


def test_what_must_be_known_at_once_is_not_put_off(agents, demo, private) -> None:
    """A rule, an MTU, a host's first port: only additions to long lists may wait."""
    fill(demo, private, 60, 30, capabilities=[PIECE_CHANGES])
    group = defaults.ensure_default(demo.project_id or "")
    agents.forget_orders()
    rules.create(demo, security_group_id=group.id, direction="ingress", protocol="tcp")
    sync.drain()
    assert {host for host, body in agents.told() if f"group:{group.id}" in body["pieces"]} == {
        f"h{n}" for n in range(30)
    }
    agents.forget_orders()
    networks.update(demo, private.id, mtu=1400)
    sync.drain()
    assert {host for host, body in agents.told() if f"network:{private.id}" in body["pieces"]} >= {
        f"h{n}" for n in range(30)
    }
    assert not Change.objects.exists()


def test_a_lost_difference_is_mended_by_the_whole(agents, demo, private) -> None:
    fill(demo, private, 30, 3, capabilities=[PIECE_CHANGES])
    agents.settle()
    boot(demo, private, "h1")
    sync.drain()
    piece = f"network:{private.id}"
    agents.deliver()
    agents.agent("h0").network.driver.pieces[piece]["hash"] = "0" * 32  # as if the last order had been lost
    agents.report("h0")
    assert HostPiece.objects.get(host="h0", piece=piece).is_behind
    HostPiece.objects.filter(is_behind=True).update(sent_at=now() - timedelta(seconds=sync.RESEND_AFTER + 1))
    agents.forget_orders()
    sync.recover()
    (again,) = (body["pieces"][piece] for host, body in agents.told() if host == "h0")
    assert "body" in again
    as_rendered(agents, [piece])


@pytest.mark.parametrize("hosts", [spread.FEW, spread.AT_ONCE // 2])
def test_a_small_cloud_is_told_without_delay(agents, demo, private, hosts) -> None:
    fill(demo, private, 30, hosts, capabilities=[PIECE_CHANGES])
    boot(demo, private, "h1")
    sync.drain()
    assert not Change.objects.exists()
    as_rendered(agents, [f"network:{private.id}"])


@pytest.mark.parametrize(("hosts", "told"), [(spread.FEW, 30), (spread.AT_ONCE - 1, 2)])
def test_of_a_burst_of_ports_hosts_hear_the_first_at_once_and_the_rest_together(
    agents, demo, private, monkeypatch, hosts, told
) -> None:
    """Thirty ports one after the other were thirty orders to each of twenty hosts, and as many reports."""
    monkeypatch.setattr(spread, "PAUSE", 60.0)
    fill(demo, private, 60, hosts, capabilities=[PIECE_CHANGES])
    agents.settle()
    agents.forget_orders()
    piece = f"network:{private.id}"

    def orders() -> int:
        return sum(host == "h2" and piece in body["pieces"] for host, body in agents.told())

    for number in range(30):
        boot(demo, private, "h1")
        sync.drain()
        assert number or orders() == 1, "the first is told at once"
    later()
    assert orders() == told
    as_rendered(agents, [piece])
    boot(demo, private, "h1")
    sync.drain()
    assert orders() == (told if told == 2 else told + 1), "they were told just now"
    for ledger in sync._ledgers.known.values():
        ledger.told_at = now() - timedelta(seconds=61)
    boot(demo, private, "h1")
    sync.drain()
    assert orders() == (told + 1 if told == 2 else told + 2), "after a pause at once again"
