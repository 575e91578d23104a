"""A plain client of a running cloud's APIs: status, JSON and headers as they come, and waiting for a server."""

import http.client
import json
import time
from contextlib import suppress
from typing import Any

from tests.live import LiveCloud

COMPUTE, NETWORK, IMAGE, IDENTITY = "/api/compute/v2.1", "/api/network/v2.0", "/api/image/v2", "/api/identity/v3"
VOLUME = "/api/volume/v3"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], content: bytes, seconds: float) -> None:
        self.status, self.headers, self.content, self.seconds = status, headers, content, seconds

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


class Rest:
    """Signed in as `account` in the project of the same name. `password`: of an account that a test has made."""

    def __init__(self, cloud: LiveCloud, account: str = "demo", password: str = "") -> None:
        self.cloud, self.account, self.password = cloud, account, password
        self._token = ""
        self.project_id = ""

    @property
    def token(self) -> str:
        if not self._token:
            password = {
                "user": {
                    "name": self.account,
                    "domain": {"id": "default"},
                    "password": self.password or self.cloud.password(self.account),
                }
            }
            scope = {"project": {"name": self.account, "domain": {"id": "default"}}}
            body = {"auth": {"identity": {"methods": ["password"], "password": password}, "scope": scope}}
            answer = self.ask("POST", f"{IDENTITY}/auth/tokens", body, token="")
            assert answer.status == 201, answer.text
            self._token = answer.headers["x-subject-token"]
            self.project_id = answer.json["token"]["project"]["id"]
        return self._token

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None, version: str = "2.79",
            timeout: float = 60, **headers: str) -> Answer:  # fmt: skip
        """`body`: bytes go as they are, anything else as JSON. OSError when nothing answers."""
        head = {
            "X-Auth-Token": self.token if token is None else token,
            "X-OpenStack-Nova-API-Version": version,
            "Accept": "application/json",  # as OpenStack's clients ask; the image service has other words for others
            **headers,
        }
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            head.setdefault("Content-Type", "application/json")
        begin, link = time.monotonic(), self.connect(timeout)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was read; the answer says why
                link.request(method, path, body=content, headers={k: v for k, v in head.items() if v})
            answer = link.getresponse()
            found = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, found, answer.read(), time.monotonic() - begin)
        finally:
            link.close()

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection to the reverse proxy."""
        return http.client.HTTPConnection("127.0.0.1", self.cloud.port, timeout=timeout)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.ask(method, path, body, **more)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.text[:800]}"
        return answer.json

    # ── Servers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def named(self, path: str, kind: str, name: str) -> str:
        """The id of the one thing of that name."""
        rows = [row["id"] for row in self.ok("GET", path)[kind] if row["name"] == name]
        assert len(rows) == 1, f"{len(rows)} {kind} are named {name}"
        return str(rows[0])

    def boot(self, name: str, *, flavor: str = "tiny", image: str = "demo", **more: Any) -> str:
        """POST /servers on network `private`; the id."""
        network = more.pop("network", None) or self.named(f"{NETWORK}/networks", "networks", "private")
        server = {
            "name": name,
            "imageRef": self.named(f"{IMAGE}/images", "images", image),
            "flavorRef": self.named(f"{COMPUTE}/flavors", "flavors", flavor),
            "networks": [{"uuid": network}] if network != "none" else "none",
            **more,
        }
        return str(self.ok("POST", f"{COMPUTE}/servers", {"server": server})["server"]["id"])

    def server(self, server_id: str) -> dict[str, Any] | None:
        """As shown now; None once it is gone."""
        answer = self.ask("GET", f"{COMPUTE}/servers/{server_id}")
        if answer.status == 404:
            return None
        assert answer.status == 200, answer.text[:400]
        found: dict[str, Any] = answer.json["server"]
        return found

    def until(self, server_id: str, *statuses: str, seconds: float = 60) -> dict[str, Any]:
        """Waits for a status, with no task going on. AssertionError with the server's fault and steps after `seconds`."""
        end, server = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                server = self.server(server_id)
            except (OSError, http.client.HTTPException, AssertionError):
                time.sleep(0.3)  # the reverse proxy or web is being started again
                continue
            if server and server["status"] in statuses and not server["OS-EXT-STS:task_state"]:
                return server
            if server and server["status"] == "ERROR" and "ERROR" not in statuses:
                break
            time.sleep(0.2)
        what = self.cloud.manage("why", server_id, check=False).stdout
        raise AssertionError(
            f"{server_id} is {server and (server['status'], server.get('fault'))}, not {statuses}:\n{what}"
        )

    def until_gone(self, server_id: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.server(server_id) is None:
                    return
            except (OSError, http.client.HTTPException, AssertionError):
                pass  # as above
            time.sleep(0.2)
        what = self.cloud.manage("why", server_id, check=False).stdout
        raise AssertionError(f"{server_id} is still there: {self.server(server_id)}\n{what}")

    def act(self, server_id: str, body: dict[str, Any]) -> Answer:
        answer = self.ask("POST", f"{COMPUTE}/servers/{server_id}/action", body)
        assert answer.status < 300, answer.text[:600]
        return answer

    def delete(self, server_id: str, seconds: float = 60) -> None:
        self.ok("DELETE", f"{COMPUTE}/servers/{server_id}")
        self.until_gone(server_id, seconds)


def until(what: Any, seconds: float, why: str) -> Any:
    """Calls `what` until it gives something; AssertionError with `why` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:.0f} s: {why}")
