"""QEMU's control socket, as far as saving and restoring a machine need it. Source: QEMU's QMP specification."""

import json
import socket
import time
from pathlib import Path
from typing import Any


class QmpError(Exception):
    """QEMU refused a command, or did not answer."""


class Qmp:
    """One connection. `ask("stop")` gives what QEMU returns."""

    def __init__(self, path: Path, seconds: float = 30.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        until = time.monotonic() + seconds
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise QmpError(f"nothing answers at {path}") from error
                time.sleep(0.05)
        self._file = self._socket.makefile("rw")
        self._file.readline()  # its greeting
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: Any) -> Any:
        """Raises: QmpError."""
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        while line := self._file.readline():
            said = json.loads(line)
            if "error" in said:
                raise QmpError(f"{command}: {said['error']['desc']}")
            if "return" in said:
                return said["return"]
        raise QmpError(f"{command}: QEMU hung up")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def save(self, devices: Path) -> None:
        """Stop the machine and write all but its memory, which lies in a file already, to `devices`; QEMU ends."""
        self._ignore_memory()
        self.ask("stop")
        self.ask("migrate", uri=f"exec:cat > {devices}")
        while (found := self.ask("query-migrate")).get("status") not in ("completed", "failed"):
            time.sleep(0.05)
        if found["status"] == "failed":
            raise QmpError(f"saving failed: {found.get('error-desc', 'no reason given')}")
        self.ask("quit")

    def load(self, devices: Path) -> None:
        """Go on where `save` stopped."""
        self._ignore_memory()
        self.ask("migrate-incoming", uri=f"exec:cat {devices}")
        while self.ask("query-status")["status"] == "inmigrate":
            time.sleep(0.02)
        self.ask("cont")

    def _ignore_memory(self) -> None:
        capability = {"capability": "x-ignore-shared", "state": True}
        self.ask("migrate-set-capabilities", capabilities=[capability])
