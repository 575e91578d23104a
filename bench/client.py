"""A small OpenStack client over one connection a thread: what a benchmark may spend is the server's time, not its own."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]


class Client:
    """Signed in as one of the clouds of clouds.yaml."""

    def __init__(self, data: Path, cloud: str = "demo") -> None:
        import yaml

        entry = yaml.safe_load((data / "clouds.yaml").read_text())["clouds"][cloud]
        self.auth = entry["auth"]
        self.address = urlsplit(self.auth["auth_url"]).netloc
        self._local = threading.local()
        self.token = ""
        self.sign_in()

    def password_body(self) -> dict[str, Any]:
        user = {"name": self.auth["username"], "domain": {"id": "default"}, "password": self.auth["password"]}
        project = {"name": self.auth["project_name"], "domain": {"id": "default"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        return {"auth": {"identity": identity, "scope": {"project": project}}}

    def sign_in(self) -> None:
        status, headers, body = self.call("POST", "/api/identity/v3/auth/tokens", self.password_body())
        if status != 201:
            raise RuntimeError(f"sign-in answered {status}: {body[:300]!r}")
        self.token = headers["x-subject-token"]
        self.project_id = json.loads(body)["token"]["project"]["id"]

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        sent = {"X-Auth-Token": self.token} if self.token else {}
        sent.update(headers or {})
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = http.client.HTTPConnection(self.address, timeout=60)
            try:
                connection.request(method, path, raw, sent)
                answer = connection.getresponse()
                return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            except (http.client.HTTPException, OSError):
                self._local.connection = None
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def json(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        status, _, raw = self.call(method, path, body, headers)
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {raw[:400]!r}")
        return json.loads(raw) if raw else None

    def wait_for(self, server_id: str, want: str = "ACTIVE", seconds: float = 180, poll: float = 0.01) -> float:
        """Seconds until a server has the status `want`; "" waits until it is gone."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            status, _, raw = self.call("GET", f"/api/compute/v2.1/servers/{server_id}")
            if status == 404 and not want:
                return time.perf_counter() - began
            if status == 200:
                server = json.loads(raw)["server"]
                if server["status"] == want:
                    return time.perf_counter() - began
                if server["status"] == "ERROR" and want != "ERROR":
                    raise RuntimeError(f"the server is in ERROR: {server.get('fault')}")
            time.sleep(poll)
        raise RuntimeError(f"server {server_id} is not {want or 'gone'} after {seconds} s")
