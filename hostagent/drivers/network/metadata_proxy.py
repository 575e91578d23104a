"""The metadata proxy of a network or a router: one haproxy that hands on to the agent's unix socket.

haproxy strips what a guest could pretend (its network, its router, the address it comes from) and adds the truth.
"""

import shutil
from pathlib import Path
from typing import Final

from hostagent.drivers.network.commands import NETNS, run
from hostagent.machine import daemon_files
from hostagent.machine.daemons import Daemon, Daemons

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

    def __init__(self, folder: Path, ns: str, kind: str, owner: str, socket: Path, daemons: Daemons) -> None:
        self.folder = folder
        self.ns = ns
        self.kind = kind
        self.owner = owner
        self.socket = socket
        self.config = folder / "haproxy.cfg"
        self.daemons = daemons
        self.daemon = Daemon(
            f"haproxy {owner}", "metadata", ("haproxy", "-D", "-f", str(self.config)), str(self.config), str(NETNS / ns)
        )

    def ensure(self) -> None:
        """Raises: NotStarted, NoAccount, CommandFailed, RuntimeError."""
        bind = f"{METADATA_IP}:80" if self.kind == "Network" else f"*:{ROUTER_PORT}"
        state = daemon_files.folder_for("metadata", self.folder)
        text = TEMPLATE.format(
            pidfile=state / "haproxy.pid", bind=bind, kind=self.kind, owner=self.owner, socket=self.socket
        )
        changed = daemon_files.write_if_changed(self.config, text, kind="metadata", mode=0o640)
        self.daemons.ensure(self.daemon, restart=changed, prepare=self.open_port)

    def open_port(self) -> None:
        """Let a user that is not root listen on a network's port 80; a router's proxy has a higher one."""
        if self.kind == "Network":
            run("sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=80", ns=self.ns)

    def remove(self) -> None:
        self.daemons.remove(self.daemon)
        shutil.rmtree(self.folder, ignore_errors=True)
