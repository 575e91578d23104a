"""Trying a TCP port of a guest, from a namespace that reaches it."""

import json
import sys
from typing import Final, cast

from hostagent.contract import inet
from hostagent.contract.network import Found, Probed
from hostagent.drivers.network.commands import NETNS, run

WAITS: Final = 2.0  # seconds for a connection, and for the first line after it
LONGEST: Final = 128  # characters of that line
#: Runs in the namespace, in a process of its own: a thread that moved there would take its sockets along.
_TRY: Final = f"""
import json, socket, sys
found, said = "silent", b""
try:
    link = socket.create_connection((sys.argv[1], int(sys.argv[2])), {WAITS})
    found = "open"
    link.settimeout({WAITS})
    said = link.recv({LONGEST})
except ConnectionRefusedError:
    found = "refused"
except OSError:
    pass
print(json.dumps([found, said.partition(b"\\n")[0].decode("ascii", "replace")]))
"""


def probe(namespace: str, ip: str, number: int) -> Probed:
    """Open a connection to `ip` and read its first line, for 4 seconds at most. Raises: CommandFailed, ValueError."""
    if not (NETNS / namespace).exists():
        return Probed("unknown")
    address, port = inet.ip_address(ip), int(number)
    said = run(sys.executable, "-I", "-S", "-c", _TRY, str(address), str(port), ns=namespace)
    found, line = json.loads(said)
    return Probed(cast(Found, found), "".join(letter for letter in line if letter.isprintable())[:LONGEST])
