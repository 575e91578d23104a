"""One agent with real guests and no control plane: a private redis, a stand-in for control's /internal/, a host in namespaces."""

import hashlib
import json
import os
import secrets
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Connection, Consumer, Exchange, Queue

from hostagent.agent.settings import default_run
from hostagent.contract import VERBS, messages, network
from hostagent.machine import namespaces

ROOT = Path(__file__).resolve().parents[2]
HOST = "vm1"
SERVER = "11111111-2222-4333-8444-555555555555"
NETWORK = "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee"


class Internal(BaseHTTPRequestHandler):
    """GET gives the image, PUT is kept by path."""

    protocol_version = "HTTP/1.1"
    image: bytes = b""
    kept: dict[str, bytearray] = {}

    def address_string(self) -> str:
        return "agent"

    def log_message(self, *_: Any) -> None:
        """Nothing to say on a test's terminal."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        start = int(asked[6:-1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(self.image) - start))
        self.end_headers()
        self.wfile.write(self.image[start:])

    def do_PUT(self) -> None:
        path, _, offset = self.path.partition("?offset=")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept.setdefault(path, bytearray())[int(offset or 0) :] = body
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class AgentWorld:
    def __init__(self, folder: Path, image: Path) -> None:
        self.data = folder / "data"
        self.run = default_run(self.data)
        self.hosts = self.data / "hosts" / HOST
        self.sockets = self.run / "hosts" / HOST
        self.key = secrets.token_hex(32)
        (self.data / "keys" / "hosts").mkdir(parents=True)
        (self.data / "keys" / "hosts" / f"{HOST}.key").write_text(self.key)
        self.run.mkdir(parents=True)
        self.netns = f"vmtest-{secrets.token_hex(3)}"
        self.cloud = ["--data", str(self.data), "--run", str(self.run)]
        Internal.image, Internal.kept = image.read_bytes(), {}
        self.image = {"id": "demo", "checksum": hashlib.sha512(Internal.image).hexdigest(), "size": len(Internal.image),
                      "disk_format": "qcow2", "path": "/internal/images/demo"}  # fmt: skip
        self.reports: list[dict[str, Any]] = []

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> "AgentWorld":
        assert (
            namespaces.main(["up", *self.cloud, "--hosts", HOST, "--netns", self.netns, "--external", "172.30.99.0/24"])
            == 0
        )
        sock = self.run / "redis" / "redis.sock"
        sock.parent.mkdir()
        self.broker = f"redis+socket://{sock}"
        self.redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", str(sock), "--save", "", "--loglevel", "warning"])  # fmt: skip
        (self.run / "nginx").mkdir()
        self.web = Server(f"{self.run}/nginx/agents.sock", Internal)
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        while not sock.exists():
            time.sleep(0.05)
        self.app = Celery("test", broker=self.broker, set_as_current=False)
        self.connection = Connection(self.broker)
        queue = Queue(messages.CONTROL_QUEUE, Exchange(""), routing_key=messages.CONTROL_QUEUE)
        Consumer(self.connection.channel(), [queue], callbacks=[self._hear], no_ack=True, accept=["json"]).consume()
        self.start_agent()
        bridge = network.bridge_name(NETWORK)
        self.inside("ip", "link", "add", bridge, "up", "type", "bridge")
        self.until(lambda report: report["kind"] == "hello")  # what was ordered before, an agent throws away
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.terminate()
        self.agent.wait(10)
        self.connection.release()
        namespaces.main(["down", *self.cloud])
        self.redis.terminate()
        self.redis.wait(10)
        self.web.shutdown()

    def start_agent(self) -> None:
        environment = {**os.environ, "STACKLING_HOST": HOST, "STACKLING_DRIVER": "libvirt", "STACKLING_DATA": str(self.data), "STACKLING_RUN": str(self.run)}  # fmt: skip
        enter = [sys.executable, "-m", "hostagent.machine.namespaces", "enter", HOST, "--"]
        self.agent = subprocess.Popen(
            [*enter, sys.executable, "-OO", "-m", "hostagent.agent.worker"], cwd=ROOT, env=environment
        )

    def kill_agent(self) -> None:
        self.agent.send_signal(signal.SIGKILL)
        self.agent.wait(10)

    def kill_libvirtd(self) -> None:
        os.kill(int(self.inside("cat", "/run/libvirtd.pid")), signal.SIGKILL)

    def inside(self, *command: str) -> str:
        line = ["nsenter", f"--net={self.run}/ns/{HOST}/net", f"--mount={self.run}/ns/{HOST}/mnt", *command]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout

    # ── Orders and reports ──────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, body: Any, message: Any) -> None:
        report = body[0][0]
        assert messages.is_signed(report, self.key)
        self.reports.append(report)

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        """The first report that is wanted, from those not taken yet; it and all before it are then taken."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for number, report in enumerate(self.reports):
                if wanted(report):
                    del self.reports[: number + 1]
                    return report
            try:
                self.connection.drain_events(timeout=0.2)
            except TimeoutError:
                continue
        raise AssertionError(
            f"no such report; the last: {json.dumps([(r['kind'], r['body']) for r in self.reports[-5:]])}"
        )

    def send(self, verb: str, **body: Any) -> str:
        operation = secrets.token_hex(4)
        order = {"v": 1, "host": HOST, "verb": verb, "operation": operation, "step": "step", "subject": "", "generation": 1,
                 "deadline": 60, "sent": time.time(), "body": {"server_id": SERVER, **body}}  # fmt: skip
        queue = messages.host_queue(HOST, bulk=VERBS[verb].is_bulk)
        self.app.send_task(messages.CAST_TASK, args=[messages.sign(order, self.key)], queue=queue, ignore_result=True)
        return operation

    def order(self, verb: str, **body: Any) -> dict[str, Any]:
        """The answer. A failure fails the test."""
        return self.answer(self.send(verb, **body))

    def answer(self, operation: str) -> dict[str, Any]:
        """To an order that was sent."""
        report = self.until(lambda r: r["operation"] == operation and r["kind"] in ("done", "failed"))
        assert report["kind"] == "done", report["body"]
        return report["body"]

    def event(self, name: str, seconds: float = 60.0, **facts: Any) -> dict[str, Any]:
        return self.until(lambda r: r["body"].get("event") == name and facts.items() <= r["body"].items(), seconds)[
            "body"
        ]
