"""Addresses that people name: resolved once, held to what may be asked, bounded in bytes and in time."""

import errno
import http.client
import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from cloud.rooms import APPS
from common import errors, fetch
from common.fetch import FetchRefused, Limits, NotReached
from tests.common.test_patterns import _files

pytestmark = pytest.mark.process

SMALL = Limits(1000, 5.0, redirects=3)
#: Spellings of addresses that are near, private, the cloud's own, or stand for such ones.
NEAR = (
    "127.0.0.1", "localhost", "0.0.0.0", "0", "2130706433", "0x7f000001", "017700000001", "127.1", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254",
    "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "172.24.4.1",
    "[fe80::1]", "[fc00::1]", "[fec0::1]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "240.0.0.1", "192.0.2.1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_ranges_of_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_own", [lambda: ["198.18.0.0/15"]])


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by its path; counts what reached it."""

    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/drip":
            for _byte in range(200):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        else:
            self.wfile.write(b"y" * (5000 if self.path == "/large" else 5))

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[int]:
    Site.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("host", NEAR)
def test_nothing_near_is_reached_however_it_is_spelled(host: str) -> None:
    """E."""
    with pytest.raises(FetchRefused, match="STACKLING_FETCH_ALLOW"):
        fetch.resolve(f"http://{host}/")
    if host != "localhost":
        with pytest.raises(FetchRefused):
            fetch.check(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/shadow", "gopher://x/", "http://", "http://[bad", "http://u@x/", "http://x/\r\nHost: y", "//x", ""],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(FetchRefused):
        fetch.check(url)


def test_the_connection_goes_to_the_address_that_was_checked(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """E: the fetcher of providers resolved twice, so a name could say one thing and then another."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    asked: list[tuple[str, int]] = []
    found = lambda *words, **more: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (next(answers), site))]  # noqa: E731
    monkeypatch.setattr(fetch.socket, "getaddrinfo", found)
    monkeypatch.setattr(
        fetch.socket.socket, "connect", lambda self, place: asked.append(place) or (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(NotReached):
        fetch.ask(f"http://name.example:{site}/", limits=SMALL)
    assert asked == [("93.184.216.34", site)] and not Site.asked


def test_a_redirect_is_held_to_the_same_rules(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKLING_FETCH_ALLOW", "127.0.0.1")
    base = f"http://127.0.0.1:{site}"
    assert fetch.ask(f"{base}/to?/here", limits=SMALL).read() == b"yyyyy"
    for there in ("http://169.254.169.254/", "http://10.0.0.1/", "file:///etc/shadow", f"http://[::1]:{site}/"):
        with pytest.raises(FetchRefused):
            fetch.ask(f"{base}/to?{there}", limits=SMALL)
    with pytest.raises(NotReached, match="on and on"):
        fetch.ask(f"{base}/to?/to?/to?/to?/to?/x", limits=SMALL)
    assert fetch.ask(f"{base}/to?/here", limits=Limits(1000, 5.0)).status == 302


def test_an_answer_has_a_size_and_a_time(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """E: a byte now and then met no time-out of one read."""
    monkeypatch.setenv("STACKLING_FETCH_ALLOW", f"127.0.0.0/8 name.example:{site}")
    with pytest.raises(NotReached, match="larger than 1000 bytes"):
        fetch.ask(f"http://127.0.0.1:{site}/large", limits=SMALL).read()
    with pytest.raises(NotReached, match="too long"):
        fetch.ask(f"http://127.0.0.1:{site}/drip", limits=Limits(1000, 0.5)).read()
    assert Site.asked[0][1] == f"127.0.0.1:{site}"


def test_what_the_operator_names_is_reached_and_a_star_opens_nothing_near(monkeypatch: pytest.MonkeyPatch) -> None:
    at = "10.1.2.3"
    found = lambda *words, **more: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (at, 80))]  # noqa: E731
    monkeypatch.setattr(fetch.socket, "getaddrinfo", found)
    for names, good in (
        ("", False),
        ("10.1.0.0/16", True),
        ("*.example", True),
        ("a.example", True),
        ("b.example", False),
    ):
        monkeypatch.setenv("STACKLING_FETCH_ALLOW", names)
        if good:
            assert fetch.resolve("http://a.example/")[1] == at
        else:
            with pytest.raises(FetchRefused):
                fetch.resolve("http://a.example/")
    at = "169.254.169.254"
    for names, good in (("*", False), ("*.example", False), ("a.example", True), ("169.254.169.254", True)):
        monkeypatch.setenv("STACKLING_FETCH_ALLOW", names)
        if good:
            fetch.resolve("http://a.example/")
        else:
            with pytest.raises(FetchRefused):
                fetch.resolve("http://a.example/")


def test_one_bad_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """E sibling: a name with a public and a private address."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *words, **more: found)
    with pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        fetch.resolve("http://a.example/")


def test_nobody_else_asks_for_addresses_that_people_name() -> None:
    """E: one fetcher. The others ask this cloud's own reverse proxy, at its own address."""
    own = {"cloud/health.py", "hostagent/agent/control_link.py", "common/fetch.py"}
    found = {
        name
        for name, tree in _files()
        for node in __import__("ast").walk(tree)
        for module in (
            [alias.name for alias in node.names] if node.__class__.__name__ == "Import"
            else [node.module or ""] if node.__class__.__name__ == "ImportFrom" else []
        )
        if module in ("urllib.request", "requests", "http.client", "httpx", "aiohttp", "urllib3")
    }  # fmt: skip
    assert "common/fetch.py" in found
    assert not [name for name in found - own if name.partition("/")[0] in APPS], found


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "那里没有服务应答"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "没有通往那里的路由"),
        (TimeoutError("timed out"), "它没有及时应答"),
        (socket.gaierror(-2, "Name or service not known"), "它的名称解析不到地址"),
        (ssl.SSLCertVerificationError("certificate verify failed"), "它的证书不受信任"),
        (ssl.SSLError("wrong version number"), "无法建立加密连接"),
        (http.client.BadStatusLine("x"), "它的应答不是 HTTP"),
        (OSError(errno.EIO, "Input/output error"), "连接中断了"),
    ],
)
def test_why_nothing_was_read_is_told_in_the_readers_language(error: Exception, why: str) -> None:
    """Also once it was stored: a system's own words for an error are English."""
    raised = fetch.NotReached(url="u", why=fetch._why(error))
    kept = json.loads(json.dumps(errors.stored(raised.data)))
    with translation.override("zh-hans"):
        assert why in raised.message and errors.sentence(raised.code, kept) == raised.message
