"""An operators' panel, walked by its forms as the portal posts them, and read back through the API."""

import json
import re
from typing import Any

from django.test import Client

HX = {"HTTP_HX_REQUEST": "true"}


class Api:
    """Admin's client of the APIs of the same cloud."""

    def __init__(self, password: str) -> None:
        self.client, self.token, self.project_id = Client(), "", ""
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = self.ask("post", "identity/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self.token, self.project_id = answer.headers["X-Subject-Token"], answer.json()["token"]["project"]["id"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"HTTP_X_AUTH_TOKEN": self.token, "HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.87"}
        return self.client.generic(
            method.upper(), f"/api/{path}", json.dumps(body or {}), "application/json", **headers
        )

    def get(self, path: str) -> Any:
        answer = self.ask("get", path)
        assert answer.status_code == 200, answer.content
        return answer.json()


class Walk:
    """One panel, as an operator's browser asks for it."""

    def __init__(self, client: Client, panel: str) -> None:
        self.client, self.panel = client, panel

    def page(self, path: str = "") -> str:
        answer = self.client.get(f"/{path or self.panel}")
        assert answer.status_code == 200, answer.content
        return str(answer.content.decode())

    def columns(self, *names: str) -> None:
        heads = {re.sub(r"<[^>]+>", " ", one).strip() for one in re.findall(r"<th\b.*?</th>", self.page(), re.S)}
        assert set(names) <= heads, heads

    def rows(self, path: str) -> set[str]:
        return set(re.findall(r'<tr data-id="([^"]*)"', self.page(path)))

    def fields(self, path: str, *names: str) -> None:
        """The dialog asks for these."""
        form = self.client.get(f"/{path}", **HX).content.decode()
        assert set(names) <= set(re.findall(r'name="([^"]+)"', form)), form

    def refused(self, path: str, values: dict[str, object], text: str) -> None:
        """The dialog stays, and says why."""
        answer = self.client.post(f"/{path}", values, **HX)
        assert answer.status_code == 422, answer.content
        assert text in answer.content.decode().replace("&#x27;", "'"), answer.content.decode()

    def sent(self, path: str, **values: object) -> str:
        """Send a dialog that goes on to another page: its address."""
        answer = self.client.post(f"/{path}", values, **HX)
        assert answer.status_code == 204, answer.content.decode()
        return str(answer.headers["HX-Redirect"])
