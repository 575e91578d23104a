"""Security groups as text: what each rule becomes, and what must not become one."""

import pytest

from hostagent.drivers.network.linux_bridge import firewall
from hostagent.drivers.network.linux_bridge.ruleset import difference, render

GROUP = "22222222-0000-0000-0000-000000000000"


def rule(**match: object) -> dict:
    return {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": None,
        "min": None,
        "max": None,
        "cidr": None,
        "group": None,
    } | match


@pytest.mark.parametrize(
    ("match", "text"),
    [
        ({}, "meta protocol ip"),
        ({"cidr": "0.0.0.0/0"}, "meta protocol ip"),
        ({"protocol": "tcp", "min": 22, "max": 22}, "meta protocol ip tcp dport 22"),
        ({"protocol": "17", "min": 1, "max": 9}, "meta protocol ip udp dport 1-9"),
        ({"protocol": "tcp"}, "meta protocol ip meta l4proto 6"),
        ({"protocol": "icmp", "min": 8, "max": 0}, "meta protocol ip icmp type 8 icmp code 0"),
        ({"protocol": "icmp", "ethertype": "IPv6"}, "meta protocol ip6 meta l4proto 58"),
        ({"protocol": "112"}, "meta protocol ip meta l4proto 112"),
        ({"cidr": "10.1.2.3/8"}, "meta protocol ip ip saddr 10.0.0.0/8"),
        ({"direction": "egress", "ethertype": "IPv6", "cidr": "fd00::/8"}, "meta protocol ip6 ip6 daddr fd00::/8"),
        ({"group": GROUP}, f"meta protocol ip ip saddr @g4_{GROUP.replace('-', '_')}"),
    ],
)
def test_a_rule_becomes_its_match(match: dict, text: str) -> None:
    assert firewall.rule_match(rule(**match)) == text


@pytest.mark.parametrize(
    "match",
    [
        {"cidr": "10.0.0.0/8; drop"},
        {"cidr": "fd00::/8"},
        {"protocol": "tcp accept"},
        {"protocol": "tcp", "min": "1 accept"},
    ],
)
def test_what_is_no_rule_is_refused(match: dict) -> None:
    with pytest.raises(ValueError):
        firewall.rule_match(rule(**match))


def test_ranges_swallow_what_they_hold() -> None:
    assert firewall.without_contained(["10.0.0.1", "10.0.0.0/24", "10.0.1.1", "10.0.1.1", "fd00::1"]) == [
        "10.0.0.0/24", "10.0.1.1", "fd00::1",
    ]  # fmt: skip


def port(number: int, **more: object) -> dict:
    blank = {
        "id": f"{number:08d}-1111",
        "network_id": "n",
        "mac": f"fa:16:3e:00:00:{number:02x}",
        "ips": [f"10.0.0.{number}"],
    }
    return blank | {"groups": [GROUP], "pairs": [], "security": True, "up": True} | more


def ruleset(*ports: dict, rules: tuple[dict, ...] = (), members: tuple[str, ...] = ()) -> list:
    group = {"id": GROUP, "rules": list(rules), "members": list(members)}
    return firewall.build({"network": {}, "group": {GROUP: group}, "port": {p["id"]: p for p in ports}})


def test_nothing_changed_is_nothing_to_do() -> None:
    assert difference(ruleset(port(1)), ruleset(port(1))) == ""


def test_a_new_member_is_one_element() -> None:
    had, has = (ruleset(port(1), members=m) for m in (("10.0.0.1",), ("10.0.0.1", "10.0.0.2")))
    assert difference(had, has) == f"add element bridge stackling_groups g4_{GROUP.replace('-', '_')} {{ 10.0.0.2 }}\n"


def test_a_port_without_security_is_known_but_not_filtered() -> None:
    text = render(ruleset(port(1, security=False)))
    assert text.count("tap00000001-11") == 1


def test_flows_are_cut_for_ports_whose_rules_shrank_and_for_no_others() -> None:
    ssh, web = rule(protocol="tcp", min=22, max=22), rule(protocol="tcp", min=80, max=80)
    other = port(2, groups=[])
    both, less, more = (ruleset(port(1), other, rules=r) for r in ((ssh, web), (ssh,), (ssh, web, rule())))
    assert firewall.cut_ports(both, less) == {"tap00000001-11"}
    assert firewall.cut_ports(both, more) == set()
    by_group = rule(group=GROUP)
    had, has = (ruleset(port(1), other, rules=(by_group,), members=m) for m in (("10.0.0.9",), ()))
    assert firewall.cut_ports(had, has) == {"tap00000001-11"}
