"""The metadata proxy of a network or a router: one haproxy that hands on to the agent's unix socket.

haproxy strips what a guest could pretend (its network, its router, the address it comes from) and adds the truth.
"""

import shutil
from pathlib import Path
from typing import Final

from hostagent.drivers.network.linux_bridge.commands import NETNS, run
from hostagent.machine import daemons

METADATA_IP: Final = "169.254.169.254"
ROUTER_PORT: Final = 9697  # where a router redirects its guests' metadata requests to

TEMPLATE: Final = """\
global
  maxconn 256
  nbthread 1
  pidfile {pidfile}
defaults
  mode http
  timeout connect 5s
  timeout client 32s
  timeout server 32s
  timeout http-request 10s
  timeout http-keep-alive 5s
listen metadata
  bind {bind}
  http-request del-header X-Forwarded-For
  http-request del-header X-Stackling-.* -m reg
  http-request set-header X-Stackling-{kind} {owner}
  option forwardfor
  server agent {socket}
"""


class MetadataProxy:
    """`kind` is "Network" or "Router", `owner` its id."""

    def __init__(self, folder: Path, ns: str, kind: str, owner: str, socket: Path) -> None:
        self.folder = folder
        self.ns = ns
        self.kind = kind
        self.owner = owner
        self.socket = socket
        self.config = folder / "haproxy.cfg"

    def ensure(self) -> bool:
        """Whether it was started now."""
        bind = f"{METADATA_IP}:80" if self.kind == "Network" else f"*:{ROUTER_PORT}"
        state = daemons.folder_for("metadata", self.folder)
        text = TEMPLATE.format(
            pidfile=state / "haproxy.pid", bind=bind, kind=self.kind, owner=self.owner, socket=self.socket
        )
        changed = daemons.write_if_changed(self.config, text, kind="metadata", mode=0o640)
        if daemons.find(self.config):
            if not changed:
                return False
            daemons.stop(self.config)
        if self.kind == "Network":  # so that whoever is not root may have port 80 here
            run("sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=80", ns=self.ns)
        daemons.start("metadata", self.config, "haproxy", "-D", "-f", str(self.config), net=NETNS / self.ns)
        return True

    def remove(self) -> None:
        daemons.stop(self.config)
        shutil.rmtree(self.folder, ignore_errors=True)
