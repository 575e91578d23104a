"""How guests learn their IPv6 router: a dnsmasq in the router's namespace that only announces.

The prefix and the MTU are announced by the network's DHCP too, but that says of itself that it is no router.
"""

import shutil
from pathlib import Path
from typing import Any

from hostagent.contract import inet
from hostagent.drivers.network.commands import NETNS
from hostagent.machine import daemon_files
from hostagent.machine.daemons import Daemon, Daemons

LIFETIME = 1800  # seconds a guest keeps its route without hearing from the router
INTERVAL = 10  # seconds between announcements nobody asked for: a guest stops asking once it heard the DHCP's


class Advertiser:
    def __init__(self, folder: Path, ns: str, daemons: Daemons) -> None:
        self.folder = folder
        self.ns = ns
        self.config = folder / "advertiser.conf"
        self.daemons = daemons
        self.daemon = Daemon(
            f"advertiser {ns}",
            "advertiser",
            ("dnsmasq", f"--conf-file={self.config}"),
            str(self.config),
            str(NETNS / ns),
        )

    def text(self, links: list[tuple[str, dict[str, Any]]]) -> str:
        """Return its configuration for (link, interface of a router piece); "" when there is nothing to announce."""
        lines = []
        for link, interface in links:
            prefixes = [inet.ipv6_network(prefix) for prefix in interface.get("ra") or ()]
            if prefixes:
                lines += [f"interface={link}", f"ra-param={link},mtu:{int(interface['mtu'])},{INTERVAL},{LIFETIME}"]
            lines += [f"dhcp-range={p.network_address},ra-only,{p.prefixlen},86400s" for p in prefixes]
        if not lines:
            return ""
        start = ["port=0", "no-hosts", "no-resolv", "bind-dynamic", "except-interface=lo"]
        files = [
            f"pid-file={self.folder}/state/pid",
            f"dhcp-leasefile={self.folder}/state/leases",
            f"log-facility={self.folder}/state/log",
        ]
        return "".join(f"{line}\n" for line in (*start, *files, "enable-ra", "quiet-ra", *lines))

    def ensure(self, links: list[tuple[str, dict[str, Any]]]) -> None:
        """Raises: NotStarted, NoAccount, ValueError, RuntimeError."""
        text = self.text(links)
        if not text:
            self.remove()
            return
        daemon_files.folder_for("advertiser", self.folder)
        changed = daemon_files.write_if_changed(self.config, text, kind="advertiser", mode=0o640)
        self.daemons.ensure(self.daemon, restart=changed)

    def remove(self) -> None:
        if self.folder.exists():
            self.daemons.remove(self.daemon)
            shutil.rmtree(self.folder)
