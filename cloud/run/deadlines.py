"""Cuts requests that last too long as a whole: neither haproxy nor nginx has a limit for that, only one between two reads.

`make run` looks every few seconds through haproxy's own socket. A body that comes by a byte a second, or an answer that is
read so, ends here. Source: haproxy's management guide, `show sess` and `shutdown session`.
"""

import re
import socket

from cloud.run.settings import Cloud

EVERY = 5.0
#: haproxy's backend → seconds that a request may last there. Images are large; sockets and consoles stay open.
MOST = {"web": 300, "uploads": 86_400, "downloads": 86_400}

_SESSION = re.compile(r"^(0x[0-9a-f]+): .*?\bbe=(\S+) .*?\bage=(\S+)", re.MULTILINE)
_AGE = re.compile(r"(\d+)([dhms])")
_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def overdue(sessions: str) -> list[str]:
    """List the names of those in `show sess` that last longer than their backend allows."""
    return [
        name
        for name, backend, age in _SESSION.findall(sessions)
        if sum(int(number) * _UNITS[unit] for number, unit in _AGE.findall(age)) > MOST.get(backend, float("inf"))
    ]


def cut(cloud: Cloud) -> int:
    """Ends what is overdue. Gives how many; a reverse proxy that does not answer has nothing to cut."""
    try:
        found = overdue(_tell(cloud, "show sess"))
        for name in found:
            _tell(cloud, f"shutdown session {name}")
    except OSError:
        return 0
    return len(found)


def _tell(cloud: Cloud, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect(str(cloud.run / "haproxy.sock"))
        link.sendall(f"{command}\n".encode())
        text = b""
        while piece := link.recv(65536):
            text += piece
    return text.decode(errors="replace")
