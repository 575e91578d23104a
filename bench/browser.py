"""A browser as far as its requests go: a session's cookies, pages with what they load, and the socket's frames."""

import asyncio
import base64
import gzip
import http.client
import json
import os
import re
import struct
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import yaml

Answer = tuple[int, dict[str, str], bytes]


class Session:
    """Signed in to the portal as a cloud of clouds.yaml. `asked` counts its requests, `loaded` their bytes as sent."""

    def __init__(self, data: Path, cloud: str = "demo", *, visitor: bool = False) -> None:
        """`visitor`: nobody is signed in."""
        auth = yaml.safe_load((data / "clouds.yaml").read_text())["clouds"][cloud]["auth"]
        self.address = urlsplit(auth["auth_url"]).netloc
        self.cookies: dict[str, str] = {}
        self.asked = self.loaded = 0
        if not visitor:
            self._sign_in(auth)

    def _sign_in(self, auth: dict[str, str]) -> None:
        _, _, page = self.get("/sign-in")
        form = {"username": auth["username"], "password": auth["password"], "domain": "Default", "next": ""}
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, "the sign-in page has no form"
        form["csrfmiddlewaretoken"] = token[1].decode()
        status, _, said = self._send("POST", "/sign-in", urlencode(form).encode())
        assert status == 302, f"sign-in answered {status}: {said[:300]!r}"

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str, **headers: str) -> Answer:
        """The answer, its body unpacked."""
        return self._send("GET", path, None, headers)

    def _send(self, method: str, path: str, body: bytes | None = None, more: dict[str, str] | None = None) -> Answer:
        headers = {"Cookie": self.cookie, "Accept": "text/html", "Accept-Encoding": "gzip", **(more or {})}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.address}"}
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        self.asked += 1
        self.loaded += len(raw)
        for text in answer.headers.get_all("Set-Cookie") or []:
            self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(text).items()})
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, gzip.decompress(raw) if found.get("content-encoding") == "gzip" else raw

    def first_load(self, path: str) -> dict[str, int]:
        """Load a page and all it names: {address: bytes as sent}, compressed where the server compresses."""
        sizes: dict[str, int] = {}
        todo = [path]
        while todo:
            address = todo.pop()
            if address in sizes:
                continue
            before = self.loaded
            status, headers, body = self.get(address)
            assert status == 200, f"{address} answered {status}"
            sizes[address] = self.loaded - before
            kind = headers.get("content-type", "")
            todo += [urljoin(address, name) for name in named_in(kind, body.decode(errors="replace"))]
        return sizes


def named_in(kind: str, text: str) -> list[str]:
    """What a browser fetches for a page, a style sheet with its fonts, or a module; what is imported later on is not."""
    if "html" in kind:
        scripts = re.findall(r'<script[^>]+src="([^"]+)"', text)
        links = re.findall(r"<link[^>]+>", text)
        styles = [link for link in links if re.search(r'rel="[^"]*(stylesheet|modulepreload|preload|icon)', link)]
        found = scripts + [match[1] for link in styles if (match := re.search(r'href="([^"]+)"', link))]
        found += [name.partition("#")[0] for name in re.findall(r'<use[^>]+href="([^"#]+#?[^"]*)"', text)]
    elif "javascript" in kind:
        found = re.findall(r'(?:^|[;\n])\s*(?:import|export)(?:[^"\'();]*?from)?\s*["\']([^"\']+)', text)
    elif "css" in kind:
        found = re.findall(r'(?:@import\s+(?:url\()?|src: url\()["\']?([^"\')]+)', text)
    else:
        found = []
    return [name for name in found if name and not name.startswith(("data:", "http:", "https:"))]


class Socket:
    """The page's socket: `changed` gets each (kind, id) as it arrives."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.changed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def open(self) -> None:
        """Returns once the server has said that this socket is live."""
        host, _, port = self.session.address.partition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /ws/ HTTP/1.1", f"Host: {self.session.address}", "Upgrade: websocket", "Connection: Upgrade",
            f"Origin: http://{self.session.address}", f"Cookie: {self.session.cookie}", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}", "", "",
        ]  # fmt: skip
        self.writer.write("\r\n".join(lines).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"the socket answered {head[:100]!r}")
        first = await self._message()
        if not first.get("live"):
            raise RuntimeError(f"the socket began with {first}")
        self.task = asyncio.create_task(self._listen())

    async def _message(self) -> dict[str, Any]:
        """The next text frame; servers do not mask theirs."""
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self.reader.readexactly(8))
            data = await self.reader.readexactly(length)
            if first & 0x0F == 1:
                message: dict[str, Any] = json.loads(data)
                return message
            if first & 0x0F == 8:
                raise RuntimeError(f"the server closed the socket: {data!r}")

    async def _listen(self) -> None:
        while True:
            message = await self._message()
            if "changed" in message:  # else "all", from a process that just began to listen: nothing was loaded yet
                self.changed.put_nowait((str(message["changed"]), str(message["id"])))

    def close(self) -> None:
        self.task.cancel()
        self.writer.close()
