"""haproxy with the product's own configuration before a stand-in that says what it was told: limits, addresses, outside."""

import http.client
import json
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cloud.run import cookies, deadlines, nginx, reverse_proxy, settings
from tests.live import free_port

pytestmark = pytest.mark.lab
TOKENS = "/api/identity/v3/auth/tokens"


class Told(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def address_string(self) -> str:
        return "-"

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Behind(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Proxy:
    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.cloud = settings.read(
            {
                "STACKLING_DATA": str(folder / "var"),
                "STACKLING_RUN": str(folder),
                "STACKLING_PORT": str(self.port),
                **environment,
            }
        )
        listener = nginx.proxy_socket(self.cloud)
        listener.parent.mkdir()
        self.behind = Behind(str(listener), Told)
        threading.Thread(target=self.behind.serve_forever, daemon=True).start()
        (folder / "errors.map").write_text(reverse_proxy.errors_map())
        (folder / "haproxy.cfg").write_text(reverse_proxy.config(self.cloud))
        self.process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], stdout=(folder / "access.log").open("wb")
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("haproxy does not listen")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.behind.shutdown()
        self.behind.server_close()

    def ask(
        self, path: str = "/x", source: str = "127.0.0.1", method: str = "GET", **headers: str
    ) -> tuple[int, Any, Any]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        link.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        body = answer.read()
        link.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(body) if is_json else body.decode(), answer.headers


@pytest.fixture
def make_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Proxy]]:
    made: list[tuple[Proxy, Path]] = []

    def make(**environment: str) -> Proxy:
        folder = Path(f"/tmp/stk-proxy-{time.monotonic_ns() % 10**9}")  # a socket's path has 107 letters
        folder.mkdir()
        made.append((Proxy(folder, **environment), folder))
        return made[-1][0]

    yield make
    for proxy, folder in made:
        proxy.close()
        shutil.rmtree(folder)


def test_an_address_that_asks_too_much_is_told_so_at_once(make_proxy: Callable[..., Proxy]) -> None:
    """C1: 429 with Retry-After in the service's own form; another address is served."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="address=2")
    statuses = [proxy.ask("/api/compute/v2.1/servers")[0] for _ in range(30)]
    assert statuses == [200] * 20 + [429] * 10
    _, body, headers = proxy.ask("/api/compute/v2.1/servers")
    assert body["overLimit"]["code"] == 429 and headers["Retry-After"] == "2"
    assert headers["X-Openstack-Request-Id"].startswith("req-")
    assert proxy.ask(source="127.0.0.2")[0] == 200


def test_the_image_services_refusals_are_pages_where_no_json_is_asked(make_proxy: Callable[..., Proxy]) -> None:
    """Case 43, sibling: Glance's older clients crash at a fault in JSON, also at the reverse proxy's."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="address=2")
    for _ in range(20):
        assert proxy.ask("/api/image/v2/images")[0] == 200
    status, page, headers = proxy.ask("/api/image/v2/images", Accept="*/*")
    assert (status, headers["Content-Type"]) == (429, "text/html; charset=UTF-8")
    assert "<h1>429 Too Many Requests: Too many requests at once." in page and "X-Stackling-Form" not in headers
    assert headers["Retry-After"] == "2" and headers["X-Openstack-Request-Id"].startswith("req-")
    for path, code in (("image/v2/images", "429 Too Many Requests"), ("compute/v2.1/servers", 429)):
        status, told, headers = proxy.ask(f"/api/{path}", Accept="application/json" if "image" in path else "*/*")
        assert (status, headers["Content-Type"]) == (429, "application/json") and "X-Stackling-Form" not in headers
        assert code in (told.get("code"), told.get("overLimit", {}).get("code"))


@pytest.mark.parametrize(
    "path", [TOKENS, "/sign-in", "/api/identity/v3/%61uth/tokens", "/api/identity/v3/users/x/password"]
)
def test_proving_who_one_is_has_a_limit_of_its_own(make_proxy: Callable[..., Proxy], path: str) -> None:
    """C1: however the path is written; what needs no proof goes on."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="authentication=1")
    assert [proxy.ask(path, method="POST")[0] for _ in range(12)] == [200] * 10 + [429] * 2
    assert proxy.ask("/api/compute/v2.1/servers")[0] == proxy.ask(path, "127.0.0.3", "POST")[0] == 200


def test_a_prefix_of_ipv6_is_one_address(make_proxy: Callable[..., Proxy]) -> None:
    """C1: who has a /64 has 2^64 addresses."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="address=1", STACKLING_TRUSTED_PROXIES="127.0.0.9")
    asked = [proxy.ask(source="127.0.0.9", X_Forwarded_For=f"2001:db8::{n:x}")[0] for n in range(1, 13)]
    assert asked == [200] * 10 + [429] * 2
    assert proxy.ask(source="127.0.0.9", X_Forwarded_For="2001:db8:0:1::1")[0] == 200


def test_open_bodies_of_an_address_are_bounded(make_proxy: Callable[..., Proxy]) -> None:
    """B1: more bodies at a time than an address may have are refused; another address sends its own."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="open=5")
    slow = []
    for _ in range(5):
        link = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        link.sendall(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{")
        slow.append(link)
    time.sleep(0.5)
    assert proxy.ask()[0] == 429 and proxy.ask(source="127.0.0.4")[0] == 200
    for link in slow:
        link.close()


def test_uploads_of_an_address_are_bounded_and_keep_nobody_from_reading(make_proxy: Callable[..., Proxy]) -> None:
    """B1: nobody's uploads, refused or not, take all that may be open; who reads an image does not wait behind them."""
    proxy = make_proxy(STACKLING_RATE_LIMITS="uploads=3")
    path = "/api/image/v2/images/x/file"
    slow = []
    for _ in range(3):
        link = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        link.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{{".encode())
        slow.append(link)
    time.sleep(0.5)
    status, body, _ = proxy.ask(path, method="PUT", Accept="application/json")
    assert status == 429 and body["code"].startswith("429")
    assert proxy.ask(path)[0] == 200 and proxy.ask(path, source="127.0.0.4", method="PUT")[0] == 200
    for link in slow:
        link.close()


def test_only_trusted_proxies_say_who_asks_and_how(make_proxy: Callable[..., Proxy]) -> None:
    """C2: from the nearest proxy outwards; what a client writes itself in front of it counts for nothing."""
    proxy = make_proxy(STACKLING_TRUSTED_PROXIES="127.0.0.9, 10.1.0.0/16")
    said = {
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "evil.example",
        "X_Stackling_User": "x",
        "X_Sendfile_Type": "x",
    }
    told = proxy.ask(source="127.0.0.5", X_Forwarded_For="192.0.2.1", **said)[1]
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.5", "http")
    assert (
        told["x-forwarded-host"].startswith("127.0.0.1:")
        and "x-stackling-user" not in told
        and "x-sendfile-type" not in told
    )
    told = proxy.ask(source="127.0.0.9", X_Forwarded_For="198.51.100.1, 192.0.2.1", **said)[1]
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("192.0.2.1", "https")
    told = proxy.ask(source="127.0.0.9", X_Forwarded_For="198.51.100.1, 192.0.2.1, 10.1.2.3", **said)[1]
    assert told["x-forwarded-for"] == "192.0.2.1"


def test_with_https_outside_browsers_are_told_to_stay_there(make_proxy: Callable[..., Proxy]) -> None:
    """C2: HSTS also on what the reverse proxy answers itself, and the public name is ours."""
    proxy = make_proxy(STACKLING_PUBLIC_URL="https://cloud.example")
    for path, status in (("/x", 200), ("/healthz", 200), ("/internal/x", 404)):
        found = proxy.ask(path, Host="cloud.example")
        assert found[0] == status and "max-age" in found[2]["Strict-Transport-Security"]
    assert proxy.ask(Host="other.example")[0] == 400 and proxy.ask(Host="cloud.example.evil")[0] == 400
    assert "Strict-Transport-Security" not in make_proxy().ask()[2]


def test_a_request_that_lasts_too_long_is_cut(
    make_proxy: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B1: haproxy's own socket ends it; nothing else is."""
    proxy = make_proxy()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as link:
        link.sendall(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 20_000)
        time.sleep(2.5)
        assert deadlines.cut(proxy.cloud) == 0
        monkeypatch.setitem(deadlines.MOST, "web", 1)
        assert deadlines.cut(proxy.cloud) == 1
        assert link.recv(1000)[:12] in (
            b"",
            b"HTTP/1.1 503",
            b"HTTP/1.1 502",
            b"HTTP/1.1 408",
            b"HTTP/1.1 400",
            b"HTTP/1.1 500",
        )
    assert proxy.ask()[0] == 200


def test_what_serves_consoles_learns_no_session_and_no_token(make_proxy: Callable[..., Proxy]) -> None:
    """C12: it parses strangers' bytes; who takes it over would have had every session whose browser opens a console."""
    proxy = make_proxy()
    (proxy.cloud.run / "consoles").mkdir()
    consoles = Behind(f"{proxy.cloud.run}/consoles/consoles.sock", Told)
    threading.Thread(target=consoles.serve_forever, daemon=True).start()
    session, page = cookies.of_consoles(proxy.cloud.id)
    sent = f"stackling_{proxy.cloud.id}=a-session; {session}=mine; other=x; {page}=the-page's; csrftoken=y"
    secret = {"Cookie": sent, "X_Auth_Token": "gAAAA", "Authorization": "Basic x", "Referer": "http://x/vnc/?link=s"}
    claims = {"X_Stackling_Consoles": "another's", "Upgrade": "websocket", "Connection": "Upgrade"}
    claims["Sec_WebSocket_Key"] = "x3JJHMbDL1EzLkh9GBhXDw=="
    status, told, _headers = proxy.ask("/console/?token=t", **secret, **claims)
    assert status == 200 and told["x-stackling-consoles"] == "mine,the-page's"
    assert not {"cookie", "x-auth-token", "authorization", "referer"} & told.keys()
    assert not any(word in str(told) for word in ("a-session", "gAAAA", "another's", "csrf"))
    assert "cookie" in proxy.ask("/x", **secret)[1]
    consoles.shutdown()
    consoles.server_close()
