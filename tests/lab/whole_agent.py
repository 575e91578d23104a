"""Runs on a lab host: the agent's own Host with the real network driver, its broker replaced by a pipe.

One line in: {"verb", "body"} is sealed and received as an order; {"reports": n} waits for n reports of a kind.
`broker` takes it away or brings it back; `others` is what control says of other hosts.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hostagent.agent.host import Host
from hostagent.agent.outbox import Outbox
from hostagent.agent.settings import HostSettings, Settings
from hostagent.contract import messages
from hostagent.contract.capabilities import KINDS
from hostagent.drivers.registry import FAKE, MAIN, Choice, Choices
from hostagent.process.timers import Timers

KEY = "11" * 32


def main() -> None:
    os.umask(0o077)
    name, data, run, underlay_ip, control = sys.argv[1:]
    own = HostSettings(name, KEY, Path(data), Path(run))
    #: Settings refuse this mixture: a guest that is pretended, on a network that is not.
    drivers = Choices({kind: (Choice(kind, MAIN, "linux_bridge" if kind == "network" else FAKE),) for kind in KINDS})
    settings = Settings(
        hosts=(own,), drivers=drivers, underlay_ip=underlay_ip,
        control=control, broker_url="", private_mounts=True, proof_kernel="", fault="",
    )  # fmt: skip
    reports: list[dict[str, Any]] = []
    away = threading.Event()

    def send(report: dict[str, Any], kind: str) -> None:
        if away.is_set():
            raise ConnectionError("the broker is stopped")
        reports.append(report)

    outbox, timers = Outbox(send), Timers()
    host = Host(settings, own, outbox, timers, lambda why: sys.exit(why))
    timers.start()
    outbox.start()
    host.start()
    print(json.dumps({"answer": "ready"}), flush=True)
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        if asked["verb"] == "reports":
            print(json.dumps({"answer": wait_for(reports, **asked["body"])}), flush=True)
            continue
        if asked["verb"] == "broker":
            (away.set if asked["body"]["away"] else away.clear)()
            print(json.dumps({"answer": None}), flush=True)
            continue
        if asked["verb"] == "others":
            host.standing.hear(asked["body"]["there_are"])
            print(json.dumps({"answer": None}), flush=True)
            continue
        order = {
            "v": 1, "host": name, "verb": asked["verb"], "operation": str(number), "step": "", "subject": "",
            "generation": 0, "deadline": 60, "sent": time.time(), "body": asked["body"],
        }  # fmt: skip
        threading.Thread(target=host.receive, args=(messages.sign(order, KEY),)).start()
        print(json.dumps({"answer": str(number)}), flush=True)


def wait_for(reports: list[dict[str, Any]], kind: str, count: int = 1, seconds: float = 60) -> list[dict[str, Any]]:
    """The bodies of the reports of a kind, once there are `count` of them or time is up. They are not told again."""
    until = time.monotonic() + seconds
    while len(found := [r for r in reports if r["kind"] == kind]) < count and time.monotonic() < until:
        time.sleep(0.05)
    for report in found:
        reports.remove(report)
    return [report["body"] for report in found]


if __name__ == "__main__":
    main()
