"""Run by alone.py in a network namespace of its own: the linux_bridge driver is told of one member more."""

import json
import os
import resource
from pathlib import Path

from hostagent.contract.network import piece_hash
from hostagent.drivers.network import Place
from hostagent.drivers.network.linux_bridge.driver import LinuxBridge

GROUP = "22222222-0000-0000-0000-000000000000"
MEMBERS = 10_000


def cpu() -> float:
    """Seconds of this process and of what it ran."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def main() -> None:
    folder = Path(os.environ["STACKLING_DATA"])
    driver = LinuxBridge(Place(folder, folder, "127.0.0.1"))
    members = sorted(f"10.{n >> 8}.{n & 255}.1" for n in range(MEMBERS))
    rule = {"id": "r", "direction": "ingress", "ethertype": "IPv4", "protocol": None, "min": None, "max": None}
    group = {"id": GROUP, "rules": [{**rule, "cidr": None, "group": GROUP}], "members": members}
    port = {
        "id": "11111111-1111",
        "network_id": "n",
        "mac": "fa:16:3e:00:00:01",
        "ips": ["10.0.0.1"],
        "groups": [GROUP],
    }
    pieces = {f"group:{GROUP}": group, "port:11111111-1111": port}
    failed = driver.ensure_pieces({k: {"hash": piece_hash(b), "body": b} for k, b in pieces.items()}, [], full=False)
    assert not failed, failed
    times, hash_ = [], piece_hash(group)
    for number in range(5):
        began = cpu()
        change = {
            "hash": f"{number:032x}",
            "from": hash_,
            "set": {},
            "lists": {"members": {"put": [f"11.0.0.{number}"], "drop": []}},
        }
        failed = driver.ensure_pieces({f"group:{GROUP}": change}, [], full=False)
        times.append(cpu() - began)
        hash_ = change["hash"]
        assert not failed and driver.read_pieces()[f"group:{GROUP}"] == hash_, failed
    print(json.dumps({"cpu_ms": round(min(times) * 1000, 1), "members": MEMBERS}))


if __name__ == "__main__":
    main()
