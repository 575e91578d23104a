"""The front door of a running cloud: what it strips, refuses and says while a part is away."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.rest import IMAGE, Rest, until

pytestmark = pytest.mark.lab


def ask(cloud, path, *, method="GET", body=None, headers=None):
    """(status, headers, body) through the front door."""
    link = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=20)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused while still sending: the answer is there
        link.request(method, path, body=body, headers=headers or {})
    answer = link.getresponse()
    found = (answer.status, dict(answer.getheaders()), answer.read())
    link.close()
    return found


@pytest.mark.parametrize("path", ["/internal/images/x", "//internal/x", "/%69nternal/x", "/INTERNAL/x"])
def test_agents_paths_are_not_reachable(fake_cloud, path):
    assert ask(fake_cloud, path)[0] == 404


def test_a_large_body_is_refused_before_it_is_read(fake_cloud):
    status, _, body = ask(fake_cloud, "/api/identity/v3/auth/tokens", method="POST", body=b"x" * 20_000_000)
    assert status == 413 and b"16777216" in body


def test_the_sender_of_a_body_beyond_the_limit_sees_the_answer(fake_cloud):
    """No reset may overtake it: one sent in pieces, one with its length, each read away by the service."""
    for body in (b"x" * 3_000_000, iter([b"x" * 500_000] * 6)):
        link = http.client.HTTPConnection("127.0.0.1", fake_cloud.port, timeout=20)
        link.request("POST", "/api/identity/v3/auth/tokens", body=body, encode_chunked=not isinstance(body, bytes))
        answer = link.getresponse()
        assert answer.status == 413 and b"2097152" in answer.read()
        link.close()


def test_a_body_that_trickles_in_is_cut(fake_cloud):
    with socket.create_connection(("127.0.0.1", fake_cloud.port), timeout=20) as link:
        link.sendall(b"POST /api/identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        begin = time.monotonic()
        assert link.recv(100).startswith(b"HTTP/1.1 408")
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
    socket_file = Path(fake_cloud.ready["run"]) / "web.sock"
    socket_file.rename(socket_file.with_suffix(".away"))
    try:
        status, headers, body = ask(fake_cloud, "/")
        assert status == 503 and headers["retry-after"] == "2"
        assert json.loads(body)["error"]["code"] == 503
    finally:
        socket_file.with_suffix(".away").rename(socket_file)
    assert ask(fake_cloud, "/healthz")[0] == 200


def test_every_program_is_restarted_after_a_kill(fake_cloud):
    pids = fake_cloud.ready["pids"]
    for name in ("web", "sockets", "control", "consoles", "redis", "agent-fake", "frontdoor"):
        os.kill(pids[name], signal.SIGKILL)
    until = time.monotonic() + 60
    said = ""
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{fake_cloud.url}/readyz", timeout=5) as answer:
                said = answer.read().decode()
                break
        except (urllib.error.URLError, OSError) as error:
            said = str(error)
            time.sleep(0.5)
    assert '"status": "ok"' in said
