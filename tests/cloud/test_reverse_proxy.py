"""The reverse proxy of a running cloud: what it strips, refuses and says while a part is away."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from cloud.run import supervise
from tests.rest import IMAGE, Rest, until

pytestmark = pytest.mark.lab


def ask(cloud, path, *, method="GET", body=None, headers=None):
    """(status, headers, body) through the reverse proxy."""
    link = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=20)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused while still sending: the answer is there
        link.request(method, path, body=body, headers=headers or {})
    answer = link.getresponse()
    found = (answer.status, answer.headers, answer.read())
    link.close()
    return found


@pytest.mark.parametrize("path", ["/internal/images/x", "//internal/x", "/%69nternal/x", "/INTERNAL/x"])
def test_agents_paths_are_not_reachable(fake_cloud, path):
    assert ask(fake_cloud, path)[0] == 404


ENVELOPES = {
    "identity/v3/auth/tokens": lambda body: body["error"]["code"],
    "compute/v2.1/servers": lambda body: body["overLimit"]["code"],
    "network/v2.0/networks": lambda body: 413 * (body["NeutronError"]["type"] == "HTTPError"),
    "image/v2/images": lambda body: int(body["code"].split()[0]),
    "placement/resource_providers": lambda body: body["errors"][0]["status"],
}


@pytest.mark.parametrize("path", ENVELOPES)
@pytest.mark.parametrize("sends", ["with its length", "in pieces"])
def test_the_sender_of_a_body_beyond_the_limit_sees_the_answer(fake_cloud, path, sends):
    """B1: no reset may overtake it; in the service's own form, with the request's id."""
    body = b"x" * 20_000_000 if sends == "with its length" else iter([b"x" * 500_000] * 6)
    link = http.client.HTTPConnection("127.0.0.1", fake_cloud.port, timeout=20)
    link.request("POST", f"/api/{path}", body, {"Accept": "application/json"}, encode_chunked=sends == "in pieces")
    answer = link.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 413 and ENVELOPES[path](told) == 413
    assert answer.headers["X-Openstack-Request-Id"].startswith("req-")
    link.close()


@pytest.mark.parametrize("accept", ["*/*", None, "application/octet-stream"])
def test_where_no_json_is_asked_the_image_services_refusals_are_pages(fake_cloud, accept):
    """Case 43, sibling: Glance's older clients crash at nginx's JSON as well."""
    head = {"Accept": accept} if accept else {}
    status, headers, body = ask(fake_cloud, f"{IMAGE}/images", method="POST", body=bytes(2_000_000), headers=head)
    assert (status, headers["Content-Type"]) == (413, "text/html; charset=UTF-8")
    assert headers["X-Openstack-Request-Id"].startswith("req-") and "X-Stackling-Form" not in headers
    assert re.sub("<.+?>", "", body.decode()).startswith("413 Request Entity Too Large: The request body is larger")


@pytest.mark.parametrize("path", ["identity/v3/policies", "image/v2/metadefs/namespaces"])
def test_documents_may_be_larger_than_other_bodies(fake_cloud, path):
    for size, status in ((1_500_000, 401), (2_200_000, 413)):
        found = ask(fake_cloud, f"/api/{path}", method="POST", body=b" " * size)
        assert found[0] == status, found


@pytest.mark.parametrize("size", [5_000_000, 40_000_000])
def test_a_refused_image_keeps_its_reason(fake_cloud, size):
    """B1, case 11: a refusal comes before the end of the body; its sender reads it each time."""
    rest = Rest(fake_cloud)
    made = {"name": "refused", "disk_format": "qcow2", "container_format": "bare"}
    image = rest.ok("POST", f"{IMAGE}/images", made)["id"]
    head = {"X-Auth-Token": rest.token, "Content-Type": "application/octet-stream"}
    for _ in range(10):
        status, _, body = ask(fake_cloud, f"{IMAGE}/images/{image}/file", method="PUT", body=bytes(size), headers=head)
        assert status == 400 and b"qcow2" in body
    rest.ok("DELETE", f"{IMAGE}/images/{image}")


@pytest.mark.parametrize(
    ("head", "status"), [({"X-Auth-Token": "no"}, 401), ({"Content-Type": "text/plain"}, 415), ({}, 404)]
)
@pytest.mark.parametrize("verb", ["file", "stage"])
def test_a_refusal_that_reads_nothing_keeps_its_reason(fake_cloud, head, status, verb):
    """Case 11, siblings: the answer comes while all of the body is still on its way."""
    rest = Rest(fake_cloud)
    headers = {"X-Auth-Token": rest.token, "Content-Type": "application/octet-stream", **head}
    path, body = f"{IMAGE}/images/00000000-0000-4000-8000-000000000000/{verb}", bytes(5_000_000)
    found = {ask(fake_cloud, path, method="PUT", body=body, headers=headers)[0] for _ in range(25)}
    assert found == {status}


def test_a_body_that_trickles_in_is_cut(fake_cloud):
    with socket.create_connection(("127.0.0.1", fake_cloud.port), timeout=20) as link:
        link.sendall(b"POST /api/identity/v3/auth/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        begin = time.monotonic()
        answer = link.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408") and b'"code": 408' in answer
        assert 5 < time.monotonic() - begin < 15


def test_an_image_in_chunks_is_whole_or_not_there(fake_cloud):
    rest = Rest(fake_cloud)
    image = rest.ok("POST", f"{IMAGE}/images", {"name": "cut", "disk_format": "raw", "container_format": "bare"})["id"]
    head = {"X-Auth-Token": rest.token, "Content-Type": "application/octet-stream"}

    state = lambda: rest.ok("GET", f"{IMAGE}/images/{image}")  # noqa: E731

    def upload(*, breaks_off):
        def pieces():
            yield from [bytes(65536)] * 20
            if breaks_off:
                until(lambda: state()["status"] == "saving", 20, "the upload has begun")
                raise InterruptedError

        link = http.client.HTTPConnection("127.0.0.1", fake_cloud.port, timeout=20)
        with contextlib.closing(link):
            link.request("PUT", f"{IMAGE}/images/{image}/file", body=pieces(), headers=head, encode_chunked=True)
            return link.getresponse().status

    with pytest.raises(InterruptedError):
        upload(breaks_off=True)
    until(lambda: state()["status"] == "queued", 20, "what came is thrown away")
    assert state()["size"] is None
    assert upload(breaks_off=False) == 204
    assert (state()["status"], state()["size"]) == ("active", 20 * 65536)
    rest.ok("DELETE", f"{IMAGE}/images/{image}")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ({}, 200, slice(None)),
        ({"Range": "bytes=10-19"}, 206, slice(10, 20)),
        ({"Range": "bytes=-5"}, 206, slice(-5, None)),
        ({"Content-Range": "bytes 10-19/*"}, 206, slice(10, 20)),
        ({"Range": "bytes=9999999-"}, 416, None),
    ],
)
def test_an_image_is_handed_over_by_nginx(fake_cloud, asked, status, part):
    """B1: no thread of Python sends it, and all that Glance says of parts is kept."""
    rest = Rest(fake_cloud)
    made = {"name": "parts", "disk_format": "raw", "container_format": "bare"}
    image = rest.ok("POST", f"{IMAGE}/images", made)["id"]
    path, bytes_of_it = f"{IMAGE}/images/{image}/file", os.urandom(70_000)
    head = {"X-Auth-Token": rest.token, "Content-Type": "application/octet-stream"}
    assert ask(fake_cloud, path, method="PUT", body=bytes_of_it, headers=head)[0] == 204
    found = ask(fake_cloud, path, headers={**head, **asked})
    assert found[0] == status
    if part is not None:
        assert found[2] == bytes_of_it[part] and "x-accel-redirect" not in found[1]
    for way_in in ("/stored-images/", "/stored-images/..%2f"):
        assert ask(fake_cloud, f"{way_in}{image}", headers=head)[0] in (400, 404)
    assert ask(fake_cloud, path)[0] == 401
    rest.ok("DELETE", f"{IMAGE}/images/{image}")


def test_a_request_is_one_line_of_the_access_log_and_no_secret_is_in_it(fake_cloud):
    """E: who, what, how it ended, how long it took; tokens, tickets, signatures and passwords are in none."""
    rest = Rest(fake_cloud)
    secret = "5ec2e7"
    claimed = {"X-Stackling-User": secret, "X-Stackling-Request-Id": f"req-{secret}", "X-Forwarded-For": "192.0.2.9"}
    head = {"X-Auth-Token": rest.token, **claimed}
    for path in (
        "/api/compute/v2.1/servers?sig=5ec2e7",
        "/console/?token=5ec2e7",
        "/api/compute/v2.1/os-console-auth-tokens/5ec2e7",
    ):
        ask(fake_cloud, path, headers=head)
    ask(fake_cloud, "/sign-in", method="POST", body=b"username=demo&password=5ec2e7", headers={"Cookie": "a=5ec2e7"})
    answer = ask(fake_cloud, "/api/compute/v2.1/flavors", headers=head)
    mine = answer[1]["X-Openstack-Request-Id"]
    assert not [name for name in answer[1] if name.lower().startswith("x-stackling")]

    def logged():
        text = (fake_cloud.data / "logs" / "access.log").read_text()
        return text if mine in text else ""

    text = until(logged, 10, "the last request is logged")
    assert secret not in text and rest.token not in text
    line = next(line for line in map(json.loads, text.splitlines()) if line["request_id"] == mine)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/compute/v2.1/flavors", 200)
    assert line["project"] == rest.project_id and len(line["user"]) == 32 and line["address"] == "127.0.0.1"
    assert 0 <= line["ms"] < 60_000 and line["time"].endswith("Z")


@pytest.mark.parametrize("path", ["/api/identity/v3", "/", "/static/x", "/healthz", "/ws/", "/console/", "/readyz"])
def test_a_name_that_is_not_this_clouds_is_refused(fake_cloud, path):
    """C2: by the reverse proxy, whatever serves the path."""
    status, _, body = ask(fake_cloud, path, headers={"Host": "evil.example"})
    assert status == 400 and b"STACKLING_ALLOWED_HOSTS" in body and b"evil" not in body


def test_where_sockets_are_served_nothing_else_is(fake_cloud):
    """B1: no body reaches the process of sockets or of consoles."""
    for path in ("/ws/", "/console/"):
        assert ask(fake_cloud, path, method="POST", body=b"x" * 100)[0] == 426


def test_only_the_local_socket_tells_counts(fake_cloud):
    """E: through the reverse proxy nobody sees what is wrong, or how much of what there is."""
    assert ask(fake_cloud, "/metrics")[0] == 401
    assert json.loads(ask(fake_cloud, "/readyz")[2]) == {"status": "ok"}
    assert "stackling_hosts" in fake_cloud.local("/metrics")[1]


def test_links_do_not_follow_a_claimed_forwarded_host(fake_cloud):
    claimed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    _, headers, body = ask(fake_cloud, "/api/identity/v3", headers=claimed)
    assert b"evil.example" not in body and "evil.example" not in str(headers)


def test_it_answers_in_the_external_namespace_too(fake_cloud):
    done = fake_cloud.external(
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{fake_cloud.port}/healthz"
    )
    assert done.stdout == "200"


def test_while_web_is_away_it_says_when_to_come_back(fake_cloud):
    supervisor = supervise.ask(Path(fake_cloud.ready["run"]) / "supervisor.sock")
    supervisor.stopProcess("web")
    try:
        for path, code in (("/", "error"), ("/api/compute/v2.1/servers", "serviceUnavailable")):
            status, headers, body = ask(fake_cloud, path)
            assert status == 503 and headers["Retry-After"] == "2" and json.loads(body)[code]["code"] == 503
            assert headers["X-Openstack-Request-Id"].startswith("req-")
        assert ask(fake_cloud, "/healthz")[0] == 200  # the reverse proxy's own
    finally:
        supervisor.startProcess("web")
    until(lambda: ask(fake_cloud, "/readyz")[0] == 200, 60, "web is back")


def test_every_program_is_restarted_after_a_kill(fake_cloud):
    supervisor = supervise.ask(Path(fake_cloud.ready["run"]) / "supervisor.sock")
    pids = {info["name"]: info["pid"] for info in supervisor.getAllProcessInfo()}
    for name in ("web", "bytes", "nginx", "sockets", "control", "consoles", "redis", "agent-fake", "frontdoor"):
        os.kill(pids[name], signal.SIGKILL)

    def ready():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return fake_cloud.local("/readyz")[0] == ask(fake_cloud, "/readyz")[0] == 200

    until(ready, 60, "all is ready again, and the reverse proxy leads there")
