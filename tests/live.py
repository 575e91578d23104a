"""A real cloud for tests, benchmarks and conformance: `make run` in a data folder, namespace and port of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cloud.run.ready import ask_web

CLONE = Path(__file__).resolve().parents[1]
#: Demo images take a minute to build; clouds of one clone share what the first one built.
DEMO_CACHE = CLONE / ".pytest_cache" / "demo-images"
START_SECONDS = 300.0


class DidNotStart(Exception):
    """The cloud did not come up; the message ends with what it printed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _copy_files(source: Path, target: Path) -> None:
    """The finished files of a folder, and nothing else in it, unless the target is there already."""
    if not source.exists() or target.exists():
        return
    scratch = target.with_name(f".{target.name}-{os.getpid()}")
    scratch.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and not path.is_symlink():
            shutil.copyfile(path, scratch / path.name)
    scratch.rename(target)


class LiveCloud:
    """One cloud of its own. `start()` waits until it answers; `close()` removes every trace."""

    def __init__(self, *, hosts: int = 1, fake_hosts: int = 0, data: Path | None = None, **environment: str) -> None:
        self.keeps_data = data is not None
        self.data = data or Path(tempfile.mkdtemp(prefix="stackling-test-")) / "var"
        self.data.parent.chmod(0o755)  # the control plane's account has to pass through
        self.port = free_port()
        self.netns = f"stk-test-{os.getpid()}-{self.port}"
        self.environment = {
            **{
                k: v
                for k, v in os.environ.items()
                if not k.startswith(("STACKLING_", "OS_", "DATABASE_URL", "BROKER_", "CHANNEL_"))
            },
            "STACKLING_DATA": str(self.data),
            "STACKLING_PORT": str(self.port),
            "STACKLING_NETNS": self.netns,
            "STACKLING_HOSTS": str(hosts),
            "STACKLING_FAKE_HOSTS": str(fake_hosts),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.output = self.data.parent / f"run-{self.port}.log"

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, seconds: float = START_SECONDS) -> "LiveCloud":
        """Raises: DidNotStart."""
        ours = self.data / "cache" / "demo"
        _copy_files(DEMO_CACHE, ours)
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud.run", "up"], cwd=CLONE, env=self.environment,
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + seconds
        while not (self.data / "ready").exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise DidNotStart(f"`make run` in {self.data} did not get ready:\n{self.output.read_text()[-6000:]}")
            time.sleep(0.1)
        _copy_files(ours, DEMO_CACHE)
        return self

    def stop(self) -> None:
        """As Ctrl C: guests and networks stay."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(90)

    def close(self) -> None:
        """Stops and removes everything. The logs stay where a test asks for them with STACKLING_KEEP=1."""
        self.stop()
        if os.environ.get("STACKLING_KEEP") == "1":
            print(f"kept: {self.data}", file=sys.stderr)
            return
        subprocess.run(
            [sys.executable, "-m", "cloud.run", "clean"],
            cwd=CLONE,
            env=self.environment,
            check=True,
            capture_output=True,
        )
        if not self.keeps_data:
            shutil.rmtree(self.data.parent, ignore_errors=True)

    def __enter__(self) -> "LiveCloud":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── What tests ask of it ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ready(self) -> dict[str, Any]:
        """The `ready` file: urls, pids by name, run folder, external gateway, seconds a step."""
        found: dict[str, Any] = json.loads((self.data / "ready").read_text())
        return found

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def local(self, path: str) -> tuple[int, str]:
        """Status and text of web's answer at its own socket: /readyz and /metrics tell everything there."""
        return ask_web(Path(self.ready["run"]) / "web" / "web.sock", path)

    def password(self, account: str) -> str:
        lines = (self.data / "passwords").read_text().splitlines()
        return dict(line.split(": ", 1) for line in lines)[account]

    def credentials(self, account: str = "admin") -> dict[str, str]:
        """OS_* variables of an account in its own project."""
        return {
            "OS_AUTH_URL": f"{self.url}/api/identity/v3",
            "OS_USERNAME": account,
            "OS_PASSWORD": self.password(account),
            "OS_PROJECT_NAME": account,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": "RegionOne",
            "OS_IDENTITY_API_VERSION": "3",
        }

    def openstack(self, *arguments: str, account: str = "demo", check: bool = True, timeout: float = 300) -> str:
        """Runs the ordinary `openstack` client; gives what it printed. AssertionError with its error when it fails."""
        command = [str(Path(sys.executable).parent / "openstack"), "--os-cloud", account, *arguments]
        environment = {**self.environment, "OS_CLIENT_CONFIG_FILE": str(self.data / "clouds.yaml")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout, cwd=self.data.parent
        )
        assert not check or done.returncode == 0, f"`openstack {' '.join(arguments)}`: {done.stderr}{done.stdout}"
        return done.stdout

    def openstack_json(self, *arguments: str, account: str = "demo", timeout: float = 300) -> Any:
        return json.loads(self.openstack(*arguments, "--format", "json", account=account, timeout=timeout))

    def external(self, *command: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a command where floating IPs are reachable."""
        line = ["ip", "netns", "exec", self.netns, *command]
        return subprocess.run(line, capture_output=True, text=True, check=check, timeout=timeout)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a `manage.py` command of this cloud."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CLONE,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    def log(self, program: str) -> str:
        return (self.data / "logs" / f"{program}.log").read_text(errors="replace")
