"""Runs on a lab host: the network driver (and the metadata server) at the end of a pipe, one JSON object a line."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from hostagent.agent.metadata import MetadataLink, MetadataServer
from hostagent.drivers.network import Place
from hostagent.drivers.network.commands import run
from hostagent.drivers.network.linux_bridge import driver as linux_bridge
from hostagent.drivers.network.linux_bridge import firewall, firewall_base
from hostagent.drivers.network.linux_bridge.ruleset import render

KEY = "11" * 32


def wanted_bodies(driver: linux_bridge.LinuxBridge) -> firewall.Bodies:
    return {kind: driver.bodies(kind) for kind in ("network", "group", "port")}


def live_ruleset() -> str:
    """The host's ruleset as nft lists it, to be compared with a full render."""
    return "".join(run("nft", "list", "table", *table.key.split()) for table in firewall_base.base_tables())


def act(driver: linux_bridge.LinuxBridge, verb: str, body: dict[str, Any]) -> Any:
    if verb == "live":
        return live_ruleset()
    if verb == "render":
        return render(firewall.build(wanted_bodies(driver)))
    if verb == "restart_dead":
        return driver.daemons.restart_dead()
    answer = getattr(driver, verb)(**body)
    return sorted(answer) if isinstance(answer, set) else answer


def main() -> None:
    os.umask(0o077)
    host, data, run, underlay_ip, control = sys.argv[1:]
    place = Place(Path(data), Path(run), underlay_ip)
    driver = linux_bridge.LinuxBridge(place)
    server = MetadataServer(place.run / "metadata.sock", MetadataLink(control, host, KEY))
    server.start()
    print(json.dumps({"answer": "ready"}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            print(json.dumps({"answer": act(driver, order["verb"], order["body"])}), flush=True)
        except Exception as problem:
            print(json.dumps({"error": f"{type(problem).__name__}: {problem}"}), flush=True)


if __name__ == "__main__":
    main()
