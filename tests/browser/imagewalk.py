"""What the walk of the image service's panels needs: a site to fetch from, and effects read back through the API."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import expect

from tests.browser.acceptance import Walk
from tests.rest import IMAGE, Rest

DISK = bytes(range(256)) * 8192  # 2 MiB of a raw disk
SHA256 = hashlib.sha256(DISK).hexdigest()


class Site:
    """A web server near the cloud: /disk in two halves, the second once `go` is set; /sums names its checksum, /wrong another."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.body(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                half = len(body or b"") // 2
                self.wfile.write((body or b"")[:half])
                if self.path == "/disk":
                    site.go.wait(60)
                self.wfile.write((body or b"")[half:])

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.9", 0), Handler)
        self.url = f"http://127.0.0.9:{self.server.server_port}"

    @staticmethod
    def body(path: str) -> bytes | None:
        lists = {"/sums": f"{SHA256} *disk\n{'0' * 64}  other\n", "/wrong": f"{'1' * 64}  disk\n"}
        return DISK if path == "/disk" else lists[path].encode() if path in lists else None


@contextmanager
def site() -> Iterator[Site]:
    found = Site()
    thread = threading.Thread(target=partial(found.server.serve_forever, 0.05))
    thread.start()
    yield found
    found.go.set()
    found.server.shutdown()
    thread.join()
    found.server.server_close()


class ImageWalk:
    """A walk whose effects are read back as the same user."""

    def __init__(self, walk: Walk, rest: Rest) -> None:
        self.w, self.page, self.rest = walk, walk.page, rest

    def shown(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.rest.ok("GET", f"{IMAGE}/images/{id}")
        return found

    def named(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rest.ok("GET", f"{IMAGE}/images?name={name}&visibility=all")["images"]
        return found

    def make(self, name: str, data: bytes | None = b"bytes of a disk", **values: object) -> str:
        """An image by the API; active where it gets data."""
        body = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", **values}
        id = str(self.rest.ok("POST", f"{IMAGE}/images", body)["id"])
        if data is not None:
            kind = {"Content-Type": "application/octet-stream"}
            assert self.rest.ask("PUT", f"{IMAGE}/images/{id}/file", data, **kind).status == 204
        return id

    def until(self, id: str, status: str) -> dict[str, Any]:
        return self._until(lambda: self.shown(id), lambda one: bool(one["status"] == status))

    def until_gone(self, name: str) -> None:
        self._until(lambda: {"found": self.named(name)}, lambda one: not one["found"])

    def _until(self, ask: Callable[[], dict[str, Any]], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(150):
            found = ask()
            if fits(found):
                return found
            self.page.wait_for_timeout(200)
        raise AssertionError(f"it stayed {found}")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            field = self.page.locator(f"#id_{name}")
            step = field.evaluate("field => field.closest('[data-step]')?.dataset.step || ''")
            if step:
                self.page.locator(f"label[data-action=step][data-id={step}]").click()
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def menu_verb(self, name: str, action: str) -> None:
        self.w.open()
        self.w.menu(name, action)

    def refused(self, field: str, saying: str) -> None:
        """The dialog stays, its wrong field has the focus and says why."""
        self.w.submit()
        expect(self.page.locator(f"#dialog #id_{field}[aria-invalid=true]")).to_be_focused()
        expect(self.page.locator(f"#dialog [data-field={field}]")).to_contain_text(saying)

    def narrowed(self, field: str, value: str, name: str, row: str, other: str) -> None:
        """A filter, sent to the server: one row stays and the other goes."""
        self.w.open()
        self.page.click("[data-action=filters]")
        box = self.page.locator(f"#by-{field}")
        box.select_option(value) if box.evaluate("box => box.tagName") == "SELECT" else box.fill(value)
        self.page.click("[data-action=apply-filters]")
        self.page.wait_for_url(re.compile(f"[?&]{field}="))
        expect(self.w.row(row)).to_be_visible()
        expect(self.w.row(other)).to_have_count(0)
        self.w.saw("filter", name)
