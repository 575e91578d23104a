"""Item 7: a cloud whose logs are JSON and whose traces go to a collector: what is in them, and what never is."""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import websocket

if (
    sys.modules.get("opentelemetry", sys) is None
):  # as every process of the cloud without traces has it (hostagent.process.memory)
    del sys.modules["opentelemetry"]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.live import LiveCloud
from tests.rest import COMPUTE, IDENTITY, Rest, until
from tests.trouble.screens import console_address, signed_in

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
MARK = "5ec2e7mark"  # begins each secret that the walk makes up


class Collector(ThreadingHTTPServer):
    """An OTLP/HTTP collector that keeps what comes. While `hangs`, it takes a connection and says nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.raw: list[bytes] = []
        self.hangs = threading.Event()
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self) -> list[dict[str, Any]]:
        found = []
        for body in list(self.raw):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                process = {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"]
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        facts = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
                        ids = {
                            "trace": span.trace_id.hex(),
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                        }
                        found.append({"process": process, "name": span.name, **ids, "facts": facts})
        return found


class _Answer(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.hangs.is_set():
            time.sleep(20)
            return
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        assert self.path == "/v1/traces"
        self.server.raw.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def watched(collector: Collector) -> Iterator[LiveCloud]:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}/"
    with LiveCloud(
        hosts=0,
        fake_hosts=2,
        STACKLING_LOG_FORMAT="json",
        STACKLING_LOG_LEVEL="DEBUG",
        STACKLING_OTLP_ENDPOINT=endpoint,
    ) as found:
        yield found


def _walk(cloud: LiveCloud) -> list[str]:
    """Use everything that is secret. Gives what must not turn up anywhere."""
    rest, secrets = Rest(cloud), [MARK, cloud.password("demo"), cloud.password("admin")]
    secrets.append(rest.token)
    data = base64.b64encode(f"#!/bin/sh\n# {MARK}-user-data\n".encode()).decode()
    server = rest.boot("walk", user_data=data, adminPass=f"{MARK}-pass")
    secrets.append(data)
    rest.until(server, "ACTIVE")
    address = console_address(rest, server)
    secrets.append(address.partition("token=")[2])
    for _ in range(2):  # the second time the ticket is used up, and refused
        with suppress(OSError, websocket.WebSocketException):
            websocket.create_connection(address, subprotocols=["binary"], timeout=5).close()
    for path in (
        f"/console/?token={MARK}.{'x' * 43}",
        f"/ws/?ticket={MARK}",
        f"/api/compute/v2.1/servers?sig={MARK}&token={MARK}",
        f"/x?X-Amz-Signature={MARK}&X-Amz-Credential={MARK}&Signature={MARK}&temp_url_sig={MARK}",
        f"/sign-in/with/x/y?code={MARK}&state={MARK}",
        f"{COMPUTE}/os-console-auth-tokens/{MARK}",
    ):
        rest.ask("GET", path)
    wrong = {"user": {"name": "demo", "domain": {"id": "default"}, "password": f"{MARK}-wrong"}}
    rest.ask(
        "POST",
        f"{IDENTITY}/auth/tokens",
        {"auth": {"identity": {"methods": ["password"], "password": wrong}}},
        token="",
    )
    rest.ask("GET", f"{COMPUTE}/servers", token=f"gAAAAA{MARK}{'x' * 60}")
    rest.ask("POST", f"{COMPUTE}/servers", f'{{"server": {{"adminPass": "{MARK}", "user_data": "{MARK}"'.encode())
    _credentials(rest, secrets)
    signed_in(cloud.port, "demo", cloud.password("demo"))
    with suppress(HTTPError):
        signed_in(cloud.port, "demo", f"{MARK}-portal")
    rest.delete(server)
    return secrets


def _credentials(rest: Rest, secrets: list[str]) -> None:
    """An application credential, and EC2's signatures."""
    who = rest.ok("GET", f"{IDENTITY}/auth/tokens", **{"X-Subject-Token": rest.token})["token"]["user"]["id"]
    body = {"application_credential": {"name": "walk", "secret": f"{MARK}-application"}}
    made = rest.ok("POST", f"{IDENTITY}/users/{who}/application_credentials", body)["application_credential"]
    for secret in (f"{MARK}-application", f"{MARK}-other"):
        proof = {"id": made["id"], "secret": secret}
        auth = {"identity": {"methods": ["application_credential"], "application_credential": proof}}
        answer = rest.ask("POST", f"{IDENTITY}/auth/tokens", {"auth": auth}, token="")
        secrets.append(answer.headers.get("x-subject-token", MARK))
    keys = rest.ok("POST", f"{IDENTITY}/users/{who}/credentials/OS-EC2", {"tenant_id": rest.project_id})["credential"]
    text = f"GET\nhost\n/\nAWSAccessKeyId={keys['access']}&SignatureMethod=HmacSHA256&SignatureVersion=2"
    signature = base64.b64encode(hmac.new(keys["secret"].encode(), text.encode(), hashlib.sha256).digest()).decode()
    parameters = {"AWSAccessKeyId": keys["access"], "SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    proof = {
        "access": keys["access"],
        "signature": signature,
        "host": "host",
        "verb": "GET",
        "path": "/",
        "params": parameters,
    }
    rest.ask("POST", f"{IDENTITY}/ec2tokens", {"credentials": proof}, token="")
    secrets += [keys["secret"], signature]


def _logs(cloud: LiveCloud) -> list[Path]:
    """Every file that is a log, of control and of hosts."""
    return [
        path
        for path in cloud.data.rglob("*")
        if path.is_file() and ".log" in path.name and "consoles" not in path.parts
    ]


def test_no_secret_is_in_any_log_or_trace_and_each_line_is_an_object(watched: LiveCloud, collector: Collector) -> None:
    """Item 7: a walk through everything that is secret, at the most talkative level; then each file is read."""
    secrets = _walk(watched)
    assert all(len(secret) > 8 for secret in secrets)
    time.sleep(4)  # the collector's next batch
    files = _logs(watched)
    assert {"access.log", "web.log", "control.log", "consoles.log", "nginx.log", "frontdoor.log", "redis.log"} <= {f.name for f in files}  # fmt: skip
    found = [
        (file.name, secret[:24]) for file in files for secret in secrets if secret in file.read_text(errors="replace")
    ]
    assert not found
    for body in collector.raw:
        assert not [secret[:24] for secret in secrets if secret.encode() in body]
    for file in files:
        for line in filter(None, file.read_text().splitlines()):
            said = json.loads(line)
            assert said["time"], line
            assert file.name == "access.log" or {"level", "logger", "message"} <= said.keys(), line
    said_something = {file.name for file in files if file.read_text().strip()}
    assert {"web.log", "bytes.log", "consoles.log"} <= said_something  # control has nothing to say where nothing fails


def test_one_trace_spans_a_request_its_steps_and_what_hosts_do(watched: LiveCloud, collector: Collector) -> None:
    """Item 7: POST /servers → each step of the flow → the agent's verbs, by parents; with statements to the database."""
    rest = Rest(watched)
    server = rest.boot("traced")
    rest.until(server, "ACTIVE")

    def whole() -> list[dict[str, Any]] | None:
        spans = collector.spans()
        roots = [s for s in spans if s["name"] == "POST compute servers" and not s["parent"]]
        mine = [s for s in spans if roots and s["trace"] == roots[-1]["trace"]]
        names = {s["name"] for s in mine}
        known = {s["id"] for s in mine} | {""}  # each process sends its own part, every two seconds
        is_whole = "server.ensure" in names and all(s["parent"] in known for s in mine)
        return mine if is_whole and len(names) > 8 else None

    spans = until(whole, 30, "the trace is whole")
    by_id = {span["id"]: span for span in spans}
    root = next(span for span in spans if not span["parent"])
    assert (root["process"], root["facts"]["http.response.status_code"]) == ("web", 202)
    steps = [span for span in spans if span["name"].startswith("server.boot do ")]
    assert len(steps) > 4 and all(by_id[span["parent"]] is root for span in steps)
    verbs = [span for span in spans if span["process"] == "agent"]
    assert verbs and all(by_id[span["parent"]] in steps for span in verbs)
    assert {span["facts"]["stackling.subject"] for span in verbs} == {f"server:{server}"}
    statements = [span for span in spans if span["facts"].get("db.system.name")]
    assert {span["process"] for span in statements} >= {"web", "control"}
    assert any(span["name"] == "INSERT operations_operation" for span in statements)
    rest.delete(server)


def test_a_collector_that_hangs_or_is_gone_slows_nobody(watched: LiveCloud, collector: Collector) -> None:
    """Item 7: attack: spans wait in a queue of their own and are dropped; requests and boots go on as before."""
    rest = Rest(watched)
    assert rest.token

    def seconds() -> float:
        return sorted(rest.ask("GET", f"{COMPUTE}/servers").seconds for _ in range(60))[30]

    before = seconds()
    collector.hangs.set()
    asked = collector.asked
    try:
        until(lambda: collector.asked > asked or rest.ask("GET", f"{COMPUTE}/flavors") is None, 20, "it hangs")
        after = seconds()
        server = rest.boot("slow")
        rest.until(server, "ACTIVE")
        rest.delete(server)
    finally:
        collector.hangs.clear()
    print(f"GET /servers: {before * 1000:.1f} ms, with a collector that hangs {after * 1000:.1f} ms")
    assert after < max(5 * before, 0.2)
