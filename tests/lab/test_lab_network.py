"""Real packets through what the linux_bridge driver makes."""

import http.server
import json
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest

from tests.lab.world import World, eventually

pytestmark = pytest.mark.lab


def small_cloud(world: World) -> tuple:
    """A guest on each host. Egress is open; the group's own members may ping."""
    world.rules = [world.rule("egress"), world.rule("ingress", protocol="icmp", group=world.group_id)]
    one, two = world.add_port("host1", "192.168.77.11"), world.add_port("host2", "192.168.77.12")
    world.apply()
    guests = world.plug("host1", one), world.plug("host2", two)
    assert all(guest.dhcp() for guest in guests)
    return guests


def test_guests_get_their_lease_and_reach_each_other_across_hosts_at_full_size(world: World) -> None:
    one, two = small_cloud(world)
    assert (one.lease["ip"], two.lease["ip"], one.lease["mtu"]) == ("192.168.77.11", "192.168.77.12", "1500")
    assert "169.254.169.254" in one.lease["staticroutes"]
    assert one.reaches("192.168.77.12", size=1472)  # 1472 + 28 = 1500 over VXLAN, with fragmentation forbidden
    facts = eventually(lambda: world.hosts["host1"].ask("read_leases"))
    assert {fact["port_id"] for fact in facts} == {one.port["id"], two.port["id"]}


def test_ports_are_counted_in_their_guests_directions(world: World) -> None:
    one, two = small_cloud(world)
    world.rules = [world.rule("egress"), world.rule("ingress", protocol="udp", cidr="192.168.77.0/24")]
    world.apply()

    def counts() -> tuple[dict[str, int], dict[str, int]]:
        found = [world.hosts[guest.host.name].ask("read_samples") for guest in (one, two)]
        return found[0][one.port["id"]], found[1][two.port["id"]]

    before = counts()
    text = "x" * 1000
    one.run("bash", "-c", f"for n in $(seq 50); do echo -n {text} > /dev/udp/192.168.77.12/9; done")
    after = eventually(lambda: now if (now := counts())[1]["in_packets"] - before[1]["in_packets"] >= 50 else None)
    sent, received = after[0]["out_bytes"] - before[0]["out_bytes"], after[1]["in_bytes"] - before[1]["in_bytes"]
    assert 50_000 <= sent < 60_000 and 50_000 <= received < 60_000
    assert after[0]["out_packets"] - before[0]["out_packets"] >= 50
    assert after[0]["in_bytes"] - before[0]["in_bytes"] < 20_000 > after[1]["out_bytes"] - before[1]["out_bytes"]


def test_an_unknown_guest_gets_no_lease(world: World) -> None:
    small_cloud(world)
    stranger = world.add_port("host1", "192.168.77.99", security=False)
    world.ports.pop()
    guest = world.plug("host1", stranger)
    assert guest.dhcp() == {}


def test_security_group_rules_let_through_what_they_say_and_nothing_else(world: World) -> None:
    one, _ = small_cloud(world)
    assert one.reaches("192.168.77.12")
    world.rules = [world.rule("egress")]  # ingress gone: replies only
    world.apply()
    assert not one.reaches("192.168.77.12")
    world.rules = [world.rule("ingress", protocol="icmp", cidr="192.168.77.0/24")]  # egress gone
    world.apply()
    assert not one.reaches("192.168.77.12")


def test_a_live_flow_ends_when_its_rule_is_removed(world: World) -> None:
    one, _ = small_cloud(world)
    ping = subprocess.Popen(
        one.host.line("nsenter", f"--net=/run/netns/{one.name}", "ping", "-i", "0.2", "-c", "20", "-W", "1", "192.168.77.12"),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert eventually(lambda: "bytes from" in (ping.stdout.readline() + ping.stdout.readline()))
    world.rules = [world.rule("egress")]
    world.apply()
    said = ping.communicate(timeout=30)[0]
    assert " 0 received" not in said.splitlines()[-2:][0]
    received = int(said.split(" received")[0].split()[-1])
    assert received < 15


def test_spoofed_addresses_are_dropped_and_allowed_pairs_are_not(world: World) -> None:
    world.rules = [world.rule("egress"), world.rule("ingress", protocol="icmp", cidr="0.0.0.0/0")]
    one = world.add_port("host1", "192.168.77.11")
    two = world.add_port("host1", "192.168.77.12")
    world.apply()
    liar, honest = world.plug("host1", one), world.plug("host1", two)
    assert liar.dhcp() and honest.dhcp()
    assert liar.reaches("192.168.77.12")
    liar.run("ip", "addr", "add", "192.168.77.66/24", "dev", "eth0")
    assert liar.run("ping", "-c", "1", "-W", "1", "-I", "192.168.77.66", "192.168.77.12", check=False).returncode
    one["pairs"] = [{"ip": "192.168.77.64/28", "mac": None}]
    world.apply()
    assert not liar.run("ping", "-c", "2", "-W", "1", "-I", "192.168.77.66", "192.168.77.12", check=False).returncode
    liar.run("ip", "link", "set", "eth0", "address", "fa:16:3e:00:00:77")
    assert not liar.reaches("192.168.77.12")


def test_port_security_off_lets_a_guest_send_as_it_likes(world: World) -> None:
    world.rules = [world.rule("egress")]
    port = world.add_port("host1", "192.168.77.11", security=False, groups=[])
    world.apply()
    guest = world.plug("host1", port)
    assert guest.dhcp()
    guest.run("ip", "addr", "add", "192.168.77.66/24", "dev", "eth0")
    assert not guest.run("ping", "-c", "1", "-W", "1", "-I", "192.168.77.66", "192.168.77.1", check=False).returncode


def test_guests_go_out_by_snat_and_a_floating_address_leads_in_and_out(world: World) -> None:
    one, two = small_cloud(world)
    assert one.reaches("172.24.9.1", count=2)
    assert two.reaches("172.24.9.1")  # over VXLAN to the router
    world.rules.append(world.rule("ingress", protocol="icmp", cidr="172.24.9.0/24"))
    world.floating = [{"id": "f", "ip": "172.24.9.77", "fixed_ip": "192.168.77.12"}]
    world.apply()
    assert world.reached_from_outside("172.24.9.77")
    assert two.run("ping", "-c", "1", "-W", "1", "172.24.9.1", check=False).returncode == 0
    assert one.reaches("172.24.9.77", count=2)  # a neighbour calls it from inside
    world.floating = []
    world.apply()
    assert not world.reached_from_outside("172.24.9.77")


def test_a_guest_s_port_is_tried_from_its_router(world: World) -> None:
    _, two = small_cloud(world)
    world.rules.append(world.rule("ingress", protocol="tcp", min=22, max=22, cidr="0.0.0.0/0"))
    world.apply()

    def found() -> list[str]:
        return world.hosts["host1"].ask("probe", router_id=world.router_id, ip="192.168.77.12", number=22)

    assert found() == ["refused", ""]
    listens = "import socket; s = socket.create_server(('', 22)); print('up', flush=True); s.accept()[0].sendall(b'SSH-2.0-a\\x07\\r\\nmore')"
    server = subprocess.Popen(
        two.host.line("nsenter", f"--net=/run/netns/{two.name}", "python3", "-c", listens), stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert server.stdout.readline() == "up\n"
        assert found() == ["open", "SSH-2.0-a"]
    finally:
        server.kill()
        server.wait()
    world.rules.pop()
    world.apply()
    assert found() == ["silent", ""]


def test_routers_give_up_their_external_legs_until_control_asks_again(world: World) -> None:
    one, _ = small_cloud(world)
    host, router = world.hosts["host1"], f"router:{world.router_id}"
    assert one.reaches("172.24.9.1", count=2)
    host.ask("remove_gateways")
    assert router not in host.ask("read_pieces")
    assert not one.reaches("172.24.9.1")
    assert not world.reached_from_outside("172.24.9.10")
    host.stop_agent(kill=True)
    host.start_agent()
    assert host.ask("ensure_resumed", gateways=True) == {}
    assert not world.reached_from_outside("172.24.9.10")  # a restart alone does not take them back
    assert host.apply({router: world.pieces("host1")[router]}) == {}
    assert router in host.ask("read_pieces")
    assert one.reaches("172.24.9.1", count=2)
    assert world.reached_from_outside("172.24.9.10")


def test_dhcp_and_router_move_to_another_host(world: World) -> None:
    one, two = small_cloud(world)
    world.floating = [{"id": "f", "ip": "172.24.9.77", "fixed_ip": "192.168.77.12"}]
    world.rules.append(world.rule("ingress", protocol="icmp", cidr="172.24.9.0/24"))
    world.apply()
    assert world.reached_from_outside("172.24.9.77")
    assert one.reaches("172.24.9.1", count=2)
    world.service_host = "host2"
    world.apply()
    assert eventually(lambda: world.reached_from_outside("172.24.9.77"))
    assert eventually(lambda: one.reaches("172.24.9.1"))
    assert one.dhcp()["ip"] == "192.168.77.11"
    assert two.reaches("192.168.77.1")
    assert world.hosts["host1"].run("ls", "/run/netns").stdout.split() == [one.name]


class FakeControl(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def answer_metadata(path: Path) -> tuple[FakeControl, list[dict[str, str]]]:
    seen: list[dict[str, str]] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
            body = b"i-00000001"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "-"

        def log_message(self, *_: object) -> None:
            pass

    server = FakeControl(str(path), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, seen


def test_metadata_requests_reach_control_with_the_truth_about_who_asks(world: World) -> None:
    one, two = small_cloud(world)
    server, seen = answer_metadata(world.hosts["host1"].cloud.run / "control.sock")
    url = "http://169.254.169.254/latest/meta-data/instance-id?x=1"
    for guest, header in ((one, "X-Forwarded-For: 6.6.6.6"), (two, "X-Stackling-Network: mine")):
        said = guest.run("curl", "-sS", "-m", "5", "-H", header, url)
        assert said.stdout == "i-00000001", said
    one.run("ip", "route", "del", "169.254.169.254")  # without the route of DHCP it goes through the router
    assert one.run("curl", "-sS", "-m", "5", url).stdout == "i-00000001"
    server.shutdown()
    assert [s["path"] for s in seen] == ["/internal/metadata/latest/meta-data/instance-id?x=1"] * 3
    assert [s["x-stackling-client"] for s in seen] == ["192.168.77.11", "192.168.77.12", "192.168.77.11"]
    assert [s.get("x-stackling-network") for s in seen] == [world.network_id, world.network_id, None]
    assert seen[2]["x-stackling-router"] == world.router_id
    assert all(len(s["x-stackling-seal"]) == 64 and s["x-stackling-host"] == "host1" for s in seen)


def lab_ruleset(world: World, text: str) -> str:
    """What nft lists after loading `text` into an empty namespace."""
    path = world.hosts["host1"].cloud.data / "full.nft"
    path.write_text(text)
    tables = "nft list table inet stackling_state && nft list table bridge stackling_groups"
    return world.hosts["host1"].run("unshare", "-n", "sh", "-ec", f"nft -f {path} && {tables}").stdout


def test_the_live_ruleset_equals_a_full_render_after_many_changes(world: World) -> None:
    one, _ = small_cloud(world)
    host = world.hosts["host1"]
    extra = world.add_port("host1", "192.168.77.13", pairs=[{"ip": "10.9.0.0/16", "mac": "fa:16:3e:99:99:99"}])
    world.rules.append(world.rule("ingress", protocol="tcp", min=22, max=80))
    world.apply()
    one.port["up"] = False
    world.rules.pop(0)
    world.apply()
    world.ports = [(h, p) for h, p in world.ports if p is not extra]
    world.rules.append(
        world.rule("ingress", ethertype="IPv6", protocol="icmp", group="11111111-0000-0000-0000-000000000000")
    )
    world.apply()
    assert host.ask("live") == lab_ruleset(world, host.ask("render"))


def processes(world: World, name: str) -> set[str]:
    host = world.hosts["host1"]
    found = host.run("pgrep", "-f", f"{name}.*{host.cloud.data}", check=False).stdout
    return set(found.split())


def test_networks_survive_the_agent_and_nothing_is_doubled_or_started_again(world: World) -> None:
    one, two = small_cloud(world)
    host = world.hosts["host1"]
    before = processes(world, "dnsmasq"), processes(world, "haproxy")
    links, rules, pieces = host.run("ip", "-o", "link").stdout, host.ask("live"), host.ask("read_pieces")
    host.stop_agent(kill=True)
    assert one.reaches("192.168.77.12")
    host.start_agent()
    assert host.ask("ensure_resumed", gateways=True) == {}
    world.apply()
    assert (processes(world, "dnsmasq"), processes(world, "haproxy")) == before
    assert len(before[1]) == 2
    assert (host.run("ip", "-o", "link").stdout, host.ask("live"), host.ask("read_pieces")) == (links, rules, pieces)
    assert one.reaches("192.168.77.12")
    for pid in before[0] | before[1]:
        host.run("kill", "-9", pid, check=False)  # dnsmasq takes its second process along
    assert eventually(lambda: not processes(world, "dnsmasq"))
    assert len(host.ask("restart_dead")) == 3
    assert (
        two.run("curl", "-sS", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", "http://169.254.169.254/").stdout
        == "503"
    )


def test_an_address_that_was_freed_is_leased_to_the_next_port(world: World) -> None:
    one, _ = small_cloud(world)
    one.unplug()
    world.ports = world.ports[1:]
    world.apply()
    port = world.add_port("host1", "192.168.77.11", mac="fa:16:3e:00:11:11")
    world.apply()
    assert world.plug("host1", port).dhcp()["ip"] == "192.168.77.11"


def test_a_piece_that_cannot_be_made_fails_alone(world: World) -> None:
    small_cloud(world)
    bad = world.network("host1") | {
        "id": "99999999-0000-0000-0000-000000000000",
        "kind": "vlan",
        "segment": 7,
        "zone": 99,
    }
    third = world.add_port("host1", "192.168.77.13")
    crooked = world.add_port("host1", "192.168.77.14", pairs=[{"ip": "not an address", "mac": None}])
    failed = world.hosts["host1"].apply({
        "network:99999999-0000-0000-0000-000000000000": bad, f"port:{third['id']}": third, f"port:{crooked['id']}": crooked,
    })  # fmt: skip
    assert {key: why["code"] for key, why in failed.items()} == {
        "network:99999999-0000-0000-0000-000000000000": "unsupported",
        f"port:{crooked['id']}": "network_refused",
    }
    assert f"port:{third['id']}" in world.hosts["host1"].ask("read_pieces")
    assert json.dumps(failed)


def test_removing_everything_leaves_nothing_behind(world: World) -> None:
    host = world.hosts["host1"]
    links = host.run("ip", "-br", "link").stdout.split("\n")
    one, _ = small_cloud(world)
    one.unplug()
    host.ask("remove_all")
    assert [line.split()[0] for line in host.run("ip", "-br", "link").stdout.splitlines()] == [
        n.split()[0] for n in links if n
    ]
    assert host.run("nft", "list", "tables").stdout.splitlines() == ["table inet stackling_host"], (
        "its fence is the host's own"
    )
    assert host.run("ls", "/run/netns").stdout == ""
    assert processes(world, "dnsmasq") | processes(world, "haproxy") == set()
    assert host.ask("read_pieces") == {}


def test_a_port_gets_its_own_dhcp_options_and_a_wrong_one_ends_nothing(world: World) -> None:
    """B6: only the port whose option is wrong goes without, and the driver says which."""
    one, two = small_cloud(world)
    world.options[one.port["id"]] = [{"opt_name": "tftp-server", "opt_value": "10.1.1.1", "ip_version": 4}]
    world.apply()
    assert one.dhcp()["tftp"] == "10.1.1.1"
    world.options[one.port["id"]] = [{"opt_name": "no-such-option", "opt_value": "1", "ip_version": 4}]
    world.apply()
    assert "no-such-option" in world.hosts["host1"].ask("read_left_out")[one.port["id"]]
    assert one.dhcp()["ip"] == two.dhcp()["ip"].replace(".12", ".11") == "192.168.77.11"


def test_ipv6_guests_make_their_own_address_and_reach_each_other(world: World) -> None:
    prefix, ends = "fd00:77::", ("f816:3eff:fe00:b", "f816:3eff:fe00:c")
    world.subnets = [
        {"id": "s6", "cidr": "fd00:77::/64", "gateway": None, "dns": [], "routes": [], "ip": "fd00:77::2", "ip_version": 6,
         "ipv6_mode": "slaac"},
    ]  # fmt: skip
    world.inside6 = [{"ip": "fd00:77::1", "prefix": 64}]
    world.rules = [world.rule("egress", ethertype="IPv6"), world.rule("ingress", ethertype="IPv6", protocol="icmp")]
    ports = [
        world.add_port(f"host{n}", f"192.168.77.1{n}", ips=[f"192.168.77.1{n}", prefix + end])
        for n, end in ((1, ends[0]), (2, ends[1]))
    ]
    world.apply()
    one, two = world.plug("host1", ports[0]), world.plug("host2", ports[1])
    for guest, end in ((one, ends[0]), (two, ends[1])):
        assert eventually(lambda guest=guest, end=end: prefix + end in guest.run("ip", "-6", "addr").stdout), end
    assert eventually(lambda: one.reaches(prefix + ends[1]))
    assert eventually(lambda: "default via fe80::f816:3eff:fe00:1 " in two.run("ip", "-6", "route").stdout)
    addresses = world.hosts["host2"].run("ip", "-6", "-br", "addr", "show", "type", "bridge").stdout
    assert prefix not in addresses  # the host itself takes nothing from its tenants
    one.run("ip", "addr", "add", "fd00:77::bad/64", "dev", "eth0", "nodad")
    assert one.run("ping", "-c", "1", "-W", "1", "-I", "fd00:77::bad", prefix + ends[1], check=False).returncode


def test_routes_of_both_families_come_and_go(world: World) -> None:
    def routes(family: str) -> set[str]:
        said = world.hosts["host1"].run("ip", family, "-n", name, "route", "show", "proto", "static").stdout
        return {line.split()[0] for line in said.splitlines()}

    world.add_port("host1", "192.168.77.11")
    world.inside6 = [{"ip": "fd00:77::1", "prefix": 64}]
    via = {"10.9.0.0/16": "192.168.77.50", "10.8.0.1/32": "192.168.77.50", "fd00:99::/64": "fd00:77::50", "fd00:98::1/128": "fd00:77::50"}  # fmt: skip
    world.routes = [{"destination": where, "nexthop": hop} for where, hop in via.items()]
    world.apply()
    name = next(
        one for one in world.hosts["host1"].run("ls", "/run/netns").stdout.split() if one.startswith("qrouter-")
    )
    for _twice in range(2):
        assert routes("-4") == {"default", "10.9.0.0/16", "10.8.0.1"}
        assert routes("-6") == {"fd00:99::/64", "fd00:98::1"}
        world.apply()
    world.routes = world.routes[1:3]
    world.apply()
    assert (routes("-4"), routes("-6")) == ({"default", "10.8.0.1"}, {"fd00:99::/64"})
    world.routes = []
    world.apply()
    assert (routes("-4"), routes("-6")) == ({"default"}, set())


def test_a_guest_on_the_external_network_is_reached_from_outside(world: World) -> None:
    flat = world.network("host1") | {"kind": "flat", "physical": "public", "segment": None, "peers": [], "remote": []}
    port = world.add_port("host1", "172.24.9.50", groups=[world.group_id])
    world.rules = [world.rule("ingress", protocol="icmp")]
    pieces = {f"network:{world.network_id}": flat, f"group:{world.group_id}": world.group(), f"port:{port['id']}": port}
    assert world.hosts["host1"].apply(pieces, full=True) == {}
    guest = world.plug("host1", port)
    guest.run("ip", "addr", "add", "172.24.9.50/24", "dev", "eth0")
    assert world.reached_from_outside("172.24.9.50")
    guest.unplug()
    assert world.hosts["host1"].apply({}, full=True) == {}
    assert "fl-" not in world.hosts["host1"].run("ip", "-br", "link").stdout


def test_a_floating_address_that_moves_is_announced(world: World) -> None:
    small_cloud(world)
    world.outside(
        "ip", "neigh", "replace", "172.24.9.77", "lladdr", "fa:16:3e:66:66:66", "dev", world.outer_link, "nud", "stale"
    )
    world.floating = [{"id": "f", "ip": "172.24.9.77", "fixed_ip": "192.168.77.11"}]
    world.apply()
    learnt = lambda: "fa:16:3e:ee:00:01" in world.outside("ip", "neigh", "show", "172.24.9.77").stdout  # noqa: E731
    assert eventually(learnt)


def test_what_a_lost_memory_left_behind_goes_with_the_next_full_document(world: World) -> None:
    one, _ = small_cloud(world)
    one.unplug()
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    memory = host.cloud.data / "hosts" / "host1" / "network" / "pieces.json"
    memory.write_text(memory.read_text()[:100])
    host.start_agent()
    assert host.ask("read_pieces") == {}
    assert host.apply({}, full=True) == {}
    assert "brq" not in host.run("ip", "-br", "link").stdout
    assert host.run("ls", "/run/netns").stdout == ""
    assert processes(world, "dnsmasq") | processes(world, "haproxy") == set()
