"""However a ruleset came to be by differences, it is what a full render would have made."""

import itertools
import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostagent.drivers.network.linux_bridge import firewall
from hostagent.drivers.network.linux_bridge.ruleset import difference, render

pytestmark = [pytest.mark.lab, pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace")]

GROUPS = ("aaaaaaaa-0", "bbbbbbbb-0", "cccccccc-0")
ADDRESSES = st.sampled_from(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.0/24", "10.0.0.0/30", "10.9.0.0/16", "fd00::1", "fd00::/64"]
)
RULES = st.builds(
    lambda direction, match: {"direction": direction, "ethertype": "IPv4", "group": None, "cidr": None, "protocol": None} | match,
    st.sampled_from(["ingress", "egress"]),
    st.sampled_from([
        {}, {"protocol": "tcp", "min": 22, "max": 22}, {"protocol": "icmp", "min": 8}, {"cidr": "10.0.0.0/8"}, {"group": GROUPS[0]},
        {"group": GROUPS[1], "ethertype": "IPv6"}, {"group": "dddddddd-0", "protocol": "udp"},
    ]),
)  # fmt: skip
PORTS = st.builds(
    lambda number, groups, pairs, security, up: {
        "id": f"{number:08d}-0", "network_id": "n", "mac": f"fa:16:3e:00:00:{number:02x}", "ips": [f"10.0.0.{number}"], "groups": groups,
        "pairs": [{"ip": ip, "mac": mac} for ip, mac in pairs], "security": security, "up": up,
    },
    st.integers(1, 4),
    st.lists(st.sampled_from(GROUPS), unique=True, max_size=3),
    st.lists(st.tuples(ADDRESSES, st.sampled_from([None, "fa:16:3e:99:99:99"])), max_size=2),
    st.booleans(),
    st.booleans(),
)  # fmt: skip
STATES = st.builds(
    lambda ports, groups, zones: firewall.build({
        "network": {f"{z}-net": {"id": f"{z}-net", "zone": z} for z in zones},
        "group": {g: {"id": g, "rules": rules, "members": members} for g, (rules, members) in groups.items()},
        "port": {port["id"]: port for port in ports},
    }),
    st.lists(PORTS, max_size=4),
    st.dictionaries(st.sampled_from(GROUPS), st.tuples(st.lists(RULES, max_size=3), st.lists(ADDRESSES, max_size=4))),
    st.sets(st.integers(1, 3)),
)  # fmt: skip


def listed(*texts: str) -> str:
    """What nft lists after loading these one after another into an empty namespace, elements in order."""
    load = "\n".join(f"nft -f - <<'END'\n{text}\nEND" for text in texts)
    done = subprocess.run(
        ["unshare", "-n", "sh", "-ec", f"{load}\nnft -s list ruleset"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + texts[-1]
    return done.stdout


@settings(max_examples=25, deadline=None)
@given(st.lists(STATES, min_size=2, max_size=4))
def test_differences_lead_to_the_full_render(states: list) -> None:
    steps = [render(states[0]), *(difference(old, new) for old, new in itertools.pairwise(states))]
    by_steps, at_once = listed(*steps), listed(render(states[-1]))
    assert normal(by_steps) == normal(at_once)


def normal(text: str) -> list[str]:
    """Sets, maps and chains in any order, each with its elements in any order: both depend on when they were made."""
    body = [line.strip() for line in text.splitlines()]
    blocks: list[str] = []
    for line in body:
        if line.startswith(("table ", "set ", "map ", "chain ")):
            blocks.append("")
        if blocks and line not in ("}", ""):
            blocks[-1] += line + " "
    return sorted(" ".join(sorted(b.replace(",", "").split())) if b.startswith(("set", "map")) else b for b in blocks)
