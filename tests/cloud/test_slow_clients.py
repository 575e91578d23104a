"""B1: clients that are slow in one route family slow nobody else, wherever in the request they are slow.

200 of them, each from an address of its own in 127.0.0.0/8; the agents' socket has no addresses. On commit 953748c four held the
whole cloud.
"""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveCloud
from tests.rest import COMPUTE, IMAGE, Rest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

CLIENTS = 200
ASKED = 40  # requests of a round
MIB = 1 << 20


@dataclass(frozen=True)
class Family:
    """Where a family's bodies go to, and the longest of what it answers: images and scripts of 2 MB, else its largest list."""

    method: str
    path: str
    read: str = ""
    agents: bool = False
    whole: int = MIB  # bytes that a body is said to have: as many as are taken there, at most 1 MiB + 1


FAMILIES = {
    "identity": Family("POST", "/api/identity/v3/auth/tokens", "/api/identity/v3/auth/catalog"),
    "compute": Family("POST", f"{COMPUTE}/servers", f"{COMPUTE}/flavors/detail"),
    "network": Family("POST", "/api/network/v2.0/networks", "/api/network/v2.0/extensions"),
    "image": Family("POST", f"{IMAGE}/images", f"{IMAGE}/schemas/image"),
    "image bytes": Family("PUT", f"{IMAGE}/images/%(image)s/file", f"{IMAGE}/images/%(image)s/file", whole=2 * MIB),
    "placement": Family("POST", "/api/placement/resource_providers", "/api/placement/traits"),
    "portal": Family("POST", "/sign-in", "/static/vendor/swagger-ui-bundle.js"),
    "/ws/": Family("POST", "/ws/", "/ws/"),
    "/console/": Family("POST", "/console/", "/console/?token=x"),
    "metadata": Family("POST", "/internal/metadata/openstack/latest/password", "/internal/metadata/", agents=True),
    "/internal/": Family("PUT", "/internal/images/%(image)s", "/internal/images/%(image)s", agents=True, whole=2 * MIB),
}
SHAPES = ("in the headers", "after 1 byte", "after 16 KiB", "after 1 MiB", "in reading")
#: What `make test` tries; `make test-slow` all.
SOME = {
    ("identity", "after 16 KiB"),
    ("compute", "after 1 MiB"),
    ("image bytes", "after 1 MiB"),
    ("image bytes", "in reading"),
    ("/internal/", "after 16 KiB"),
}
CELLS = [
    pytest.param(family, shape, marks=[] if (family, shape) in SOME else [pytest.mark.slow])
    for family in FAMILIES
    for shape in SHAPES
]


def address(number: int) -> str:
    return f"127.77.{number // 250}.{number % 250 + 1}"


class Slow:
    """Slow clients of one family; they hold on until the end of the context."""

    def __init__(self, cloud: LiveCloud, rest: Rest, family: Family, shape: str, image: str) -> None:
        self.cloud, self.rest, self.family, self.shape, self.image = cloud, rest, family, shape, image
        self.links: list[socket.socket] = []

    def __enter__(self) -> "Slow":
        sent = self._what()
        for number in range(CLIENTS):
            link = self._connect(number)
            self.links.append(link)
            with contextlib.suppress(OSError):  # refused by now: that is one way not to be held up
                link.sendall(sent)
        return self

    def __exit__(self, *_: object) -> None:
        for link in self.links:
            link.close()

    def _connect(self, number: int) -> socket.socket:
        if self.family.agents:
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(3)
            link.connect(str(Path(self.cloud.ready["run"]) / "nginx" / "agents.sock"))
            return link
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(3)
        link.bind((address(number), 0))
        link.connect(("127.0.0.1", self.cloud.port))
        return link

    def _what(self) -> bytes:
        path = (self.family.read if self.shape == "in reading" else self.family.path) % {"image": self.image}
        method = "GET" if self.shape == "in reading" else self.family.method
        kind = "application/octet-stream" if self.family.whole > MIB else "application/json"
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.cloud.port}", f"X-Auth-Token: {self.rest.token}"]
        if self.shape == "in the headers":
            return "\r\n".join(lines).encode()
        if self.shape == "in reading":
            return "\r\n".join([*lines, "", ""]).encode()
        body = {"after 1 byte": 1, "after 16 KiB": 16384, "after 1 MiB": MIB - 1}[self.shape]
        head = [*lines, f"Content-Type: {kind}", f"Content-Length: {self.family.whole}", "", ""]
        return "\r\n".join(head).encode() + b"{" + b" " * (body - 1)


def p95(cloud: LiveCloud, rest: Rest, source: str) -> float:
    """Milliseconds of GET /servers, on one connection from an address."""
    link = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=20, source_address=(source, 0))
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        link.request("GET", f"{COMPUTE}/servers", headers={"X-Auth-Token": rest.token})
        answer = link.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200
    link.close()
    return sorted(times)[int(ASKED * 0.95)]


@pytest.fixture(scope="module")
def image(fake_cloud: LiveCloud) -> Iterator[str]:
    """An image of 2 MB, whose bytes are what is read slowly."""
    rest = Rest(fake_cloud)
    made: dict[str, Any] = {"name": "slow", "disk_format": "raw", "container_format": "bare"}
    found: str = rest.ok("POST", f"{IMAGE}/images", made)["id"]
    link = http.client.HTTPConnection("127.0.0.1", fake_cloud.port, timeout=60)
    head = {"X-Auth-Token": rest.token, "Content-Type": "application/octet-stream"}
    link.request("PUT", f"{IMAGE}/images/{found}/file", body=bytes(2 * MIB), headers=head)
    assert link.getresponse().status == 204
    link.close()
    yield found
    rest.ok("DELETE", f"{IMAGE}/images/{found}")


@pytest.mark.parametrize(("family", "shape"), CELLS)
def test_slow_clients_slow_nobody_else(fake_cloud: LiveCloud, image: str, family: str, shape: str) -> None:
    """B1: p95 of GET /servers is within twice that of alone, also for a client at the address of a slow one."""
    rest = Rest(fake_cloud)
    assert rest.token
    tried = []
    for _ in range(6):  # others work on this machine too: one quiet round of six is asked for
        alone = p95(fake_cloud, rest, "127.0.0.1")
        with Slow(fake_cloud, rest, FAMILIES[family], shape, image):
            time.sleep(3 if shape == "in reading" else 1.5)  # what they did send, or were sent, has arrived
            beside = p95(fake_cloud, rest, "127.0.0.1")
            same_address = p95(fake_cloud, rest, address(0))
        tried.append((round(alone, 1), round(beside, 1), round(same_address, 1)))
        if max(beside, same_address) <= 2 * alone:
            return
    raise AssertionError(f"p95 in ms, alone, beside {CLIENTS} slow ones, and at the address of one: {tried}")
