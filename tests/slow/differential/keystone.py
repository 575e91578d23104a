"""A real Keystone: PyPI's release in a virtual environment of its own, SQLite, its own WSGI application, bootstrapped."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import CLONE, free_port

PLACE = CLONE / ".keystone"
PINS = CLONE / "requirements" / "keystone.txt"
PASSWORD = "a-password-of-the-admin"

#: What differs from Keystone's defaults: where it is, that guessing is limited as ours is, and cheap hashes.
CONFIGURATION = """\
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{folder}/keystone.sqlite
[fernet_tokens]
key_repository = {folder}/fernet-keys
[fernet_receipts]
key_repository = {folder}/receipt-keys
[credential]
key_repository = {folder}/credential-keys
[token]
expiration = 14400
[auth]
methods = password,token,totp,application_credential,oauth1
[security_compliance]
lockout_failure_attempts = 10
lockout_duration = 300
[identity]
password_hash_rounds = 4
"""
SERVE = """\
import os
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass
from keystone.wsgi.api import application
make_server("127.0.0.1", int(os.environ["SERVE_ON"]), application, Server, Handler).serve_forever()
"""


class DidNotStart(Exception):
    """Keystone did not answer; the message ends with its log."""


def _python() -> Path:
    """The virtual environment's python; made when the pins are not those it was made from."""
    python, stamp = PLACE / "venv" / "bin" / "python", PLACE / "made-from"
    if not (stamp.exists() and stamp.read_text() == PINS.read_text()):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PLACE / "venv")], check=True)
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(PINS)],
                       check=True)  # fmt: skip
        stamp.write_text(PINS.read_text())
    return python


def _manage(python: Path, folder: Path, *arguments: str) -> None:
    command = [str(python.parent / "keystone-manage"), "--config-file", str(folder / "keystone.conf"), *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=_environment(folder))


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "STACKLING_", "PYTHON"))}
    return {**kept, "OS_KEYSTONE_CONFIG_FILES": "keystone.conf", "OS_KEYSTONE_CONFIG_DIR": str(folder)}


def _bootstrap(python: Path, folder: Path, url: str) -> None:
    (folder / "keystone.conf").write_text(CONFIGURATION.format(folder=folder))
    for name in ("fernet-keys", "receipt-keys", "credential-keys"):
        (folder / name).mkdir(mode=0o700)
    _manage(python, folder, "db_sync")
    owner = [f"--keystone-user={os.geteuid()}", f"--keystone-group={os.getegid()}"]
    for step in ("fernet_setup", "receipt_setup", "credential_setup"):
        _manage(python, folder, step, *owner)
    _manage(python, folder, "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne",
            *(f"--bootstrap-{kind}-url={url}" for kind in ("public", "internal", "admin")), "--no-immutable-roles")  # fmt: skip


@contextmanager
def keystone() -> Iterator[str]:
    """A running Keystone; gives its address without /v3. Nothing of it outlives the block. Raises: DidNotStart."""
    PLACE.mkdir(exist_ok=True)
    python = _python()
    folder = Path(tempfile.mkdtemp(prefix="stackling-keystone-"))
    url = f"http://127.0.0.1:{free_port()}"
    server = None
    try:
        _bootstrap(python, folder, f"{url}/v3")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([str(python), "-c", SERVE], cwd=folder, stdout=log, stderr=log,
                                      env={**_environment(folder), "SERVE_ON": url.rpartition(":")[2]})  # fmt: skip
        _wait(server, f"{url}/v3", folder / "log")
        yield url
    finally:
        if server:
            server.terminate()
            server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > until:
                raise DidNotStart(f"{url}:\n{log.read_text()[-3000:]}") from None
        time.sleep(0.2)
