"""The agent of one simulated host: hostagent's own code with its fake drivers, on the test's thread alone."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.test import Client

from common.clock import now
from hostagent.agent.control_link import ControlLink
from hostagent.agent.host import Host
from hostagent.agent.job import Job
from hostagent.agent.settings import HostSettings, Settings
from hostagent.contract import Verb
from hostagent.contract.disk import DISK_ENSURE
from hostagent.contract.server import SERVER_ENSURE, SERVER_REMOVE, SERVER_STOP
from hostagent.drivers.registry import choose
from hostagent.process.timers import Timers

Close = Callable[[dict[str, Any]], dict[str, Any]]
Said = Callable[[Close, dict[str, Any]], None]


class Outbox:
    """Replaces hostagent.agent.outbox.Outbox: hands each report to the cloud, which has it arrive."""

    seconds_away = 0.0
    waiting = parked_count = deaths = 0

    def __init__(self, said: Said) -> None:
        self.put = said


class Answer(io.BytesIO):
    """The part of http.client.HTTPResponse that an agent reads."""

    def __init__(self, status: int, reason: str, content: bytes) -> None:
        super().__init__(content)
        self.status, self.reason = status, reason


class InProcessConnection:
    """Replaces an agent's HTTP connection: asks control's /internal/ paths in this process."""

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> None:
        sent = body.read() if hasattr(body, "read") else body or b""
        own = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()}
        kind = own.pop("HTTP_CONTENT_TYPE", "application/octet-stream")
        self._answer = Client(raise_request_exception=False).generic(method, path, sent, kind, **own)

    def getresponse(self) -> Answer:
        answer: Any = self._answer
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return Answer(answer.status_code, answer.reason_phrase, content)

    def close(self) -> None:
        """Nothing is open."""


class Link(ControlLink):
    def _connect(self) -> Any:
        return InProcessConnection()


class Agent(Host):
    """An agent that control has welcomed. It acts when an order arrives; its timers never run."""

    def __init__(self, name: str, key: str, folder: Path, said: Said) -> None:
        own = HostSettings(name, key, folder / "data" / name, folder / "run" / name)
        settings = Settings((own,), choose(fake=True), "", "unix:/nowhere", "", False, "", "")
        super().__init__(settings, own, Outbox(said), Timers(), self._end)  # type: ignore[arg-type]
        self.link = Link(settings.control, name, key, self.clock)
        self.clock.hear({"challenge": self.clock.challenge(), "time": now().timestamp()})

    @staticmethod
    def _end(why: str) -> None:
        raise AssertionError(f"an agent would end itself: {why}")

    def stop(self) -> None:
        """Let go as hostagent.agent.host.Host does, and close the files of the fake storage."""
        super().stop()
        for driver in (self.storage, *self.backends.values()):
            driver.close()  # type: ignore[attr-defined]

    # ── What happens on a host without an order ─────────────────────────────────────────────────────────────────────

    def lose(self, server_id: str) -> None:
        """Remove the guest, as a power cut does; its disk stays."""
        self.hypervisor.remove(server_id, asked(SERVER_REMOVE))

    def power_off(self, server_id: str) -> None:
        """Power the guest off, as it does by itself."""
        self.hypervisor.power(server_id, asked(SERVER_STOP))

    def put_disk(self, server_id: str) -> None:
        """Put a root disk of 1 GiB on the host, unless it is there."""
        self.storage.ensure_disk({"server_id": server_id, "image": None, "size_gib": 1}, asked(DISK_ENSURE))

    def put_guest(self, server_id: str) -> None:
        """Put a running guest and its disk on the host."""
        self.put_disk(server_id)
        spec: Any = {"server_id": server_id, "ports": [], "disks": [], "memory_mib": 64, "power": "on"}
        self.hypervisor.ensure(spec, asked(SERVER_ENSURE))


def asked(verb: Verb[Any, Any]) -> Job:
    """Make the job that a driver's verb takes, for an order that control never gave."""
    return Job({"verb": verb.name, "body": {}})
