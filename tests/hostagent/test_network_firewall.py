"""Security groups as text: what each rule becomes, and what must not become one."""

import time

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


def test_members_that_are_ranges_have_a_set_of_their_own_and_a_rule_while_there_are_any() -> None:
    """D (firewall): nft reads an interval set back whole at each change, so single addresses are not in one."""
    by_group = rule(group=GROUP)
    plain, ranged = (
        ruleset(port(1), rules=(by_group,), members=m)
        for m in (("10.0.0.9",), ("10.0.0.9", "10.0.0.0/24", "10.0.0.0/30"))
    )
    name = GROUP.replace("-", "_")
    assert plain[1].sets[f"g4_{name}"].flags == "" and f"r4_{name}" not in plain[1].sets
    assert list(ranged[1].sets[f"r4_{name}"].elements) == ["10.0.0.0/24"]
    chain = ranged[1].chains["i_tap00000001_11"].rules
    assert [r for r in chain if f"@g4_{name}" in r] and [r for r in chain if f"@r4_{name}" in r]
    assert firewall.cut_ports(ranged, plain) == {"tap00000001-11"}, "the range may have let a flow through"
    assert firewall.cut_ports(plain, ranged) == set()


def seconds(members: int) -> float:
    """CPU of making a group of so many members, half of them within ranges, and of one more."""
    single = [f"10.{n >> 8 & 255}.{n & 255}.1" for n in range(members)]
    ranges = [f"11.{n >> 8 & 255}.{n & 255}.0/24" for n in range(members)]
    began = time.process_time()
    difference(*(ruleset(port(1), members=(*single, *ranges, *more)) for more in ((), ("12.0.0.1",))))
    return time.process_time() - began


def test_a_group_is_linear_in_its_members() -> None:
    """D (firewall): 4 times the members were 16 times the work."""
    seconds(100)
    firewall.parsed.cache_clear()
    firewall.as_member.cache_clear()
    small = min(seconds(1000) for _ in range(3))
    assert min(seconds(8000) for _ in range(2)) < 24 * small, "8 times the members, quadratic would be 64 times"


def test_one_more_member_leaves_the_other_groups_and_ports_as_they_are() -> None:
    """D (firewall): what did not change is the very same object, so that nothing looks through it again."""
    builder = firewall.Builder()
    ports = {p["id"]: p for p in (port(1), port(2, groups=["other"]))}
    other = {"id": "other", "rules": [rule()], "members": ["10.0.0.2"]}
    group = {"id": GROUP, "rules": [rule(group="other")], "members": ["10.0.0.1"]}
    first = builder.build({"network": {}, "group": {GROUP: group, "other": other}, "port": ports})
    grown = {**group, "members": ["10.0.0.1", "10.0.0.3"]}
    second = builder.build({"network": {}, "group": {GROUP: grown, "other": other}, "port": ports})
    assert second[1].sets["g4_other"] is first[1].sets["g4_other"]
    assert second[1].chains["i_tap00000002_11"] is first[1].chains["i_tap00000002_11"]
    assert (
        difference(first, second)
        == f"add element bridge stackling_groups g4_{GROUP.replace('-', '_')} {{ 10.0.0.3 }}\n"
    )
    ranged = {**other, "members": ["10.0.0.2", "10.5.0.0/16"]}
    third = builder.build({"network": {}, "group": {GROUP: grown, "other": ranged}, "port": ports})
    assert "@r4_other" in difference(second, third), "the ports of a group that names one with ranges now ask for them"
