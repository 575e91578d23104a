"""A seeded cloud's identity and clients that are signed in through the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from authorization import rules
from identity import seeds
from identity.models import Project, Role, User
from identity.revocation import services as revocation
from openstackapi import auth

ADMIN, DEMO = "admin's password", "demo's password"
V3 = "/api/identity/v3"


_client = APIClient()  # one for all: each new one would read every static file again


@dataclass
class Api:
    """Calls of the v3 API with one token."""

    token: str = ""

    def call(self, method: str, path: str, body: Any = None, expect: int | None = None, **headers: str) -> Any:
        extra = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        if self.token:
            extra["HTTP_X_AUTH_TOKEN"] = self.token
        data = {} if body is None else {"data": body, "format": "json"}
        response = getattr(_client, method)(f"{V3}{path}", **data, **extra)
        if expect is not None:
            assert response.status_code == expect, (method, path, response.status_code, response.content)
        return response

    def get(self, path: str, expect: int = 200, **headers: str) -> Any:
        return self.call("get", path, None, expect, **headers).json()

    def post(self, path: str, body: Any = None, expect: int = 201, **headers: str) -> Any:
        response = self.call("post", path, body, expect, **headers)
        return response.json() if response.content else None

    def put(self, path: str, body: Any = None, expect: int = 204) -> Any:
        response = self.call("put", path, body, expect)
        return response.json() if response.content else None

    def patch(self, path: str, body: Any, expect: int = 200) -> Any:
        return self.call("patch", path, body, expect).json()

    def delete(self, path: str, expect: int = 204, **headers: str) -> Any:
        return self.call("delete", path, None, expect, **headers)


def password_body(name: str, password: str, scope: Any = None, domain: str = "default") -> dict[str, Any]:
    user = {"name": name, "domain": {"id": domain}, "password": password}
    auth_part: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope is not None:
        auth_part["scope"] = scope
    return {"auth": auth_part}


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.TOKEN_KEYS = tmp_path / "tokens"
    settings.POLICY_FILE = tmp_path / "policy.yaml"
    yield
    if settings.POLICY_FILE.exists():  # its rules would count for the next tests, until a second has passed
        rules._table.reset()


@pytest.fixture
def seeded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from identity import tokens
    from identity.signin import sessions

    monkeypatch.setenv("STACKLING_ADMIN_PASSWORD", ADMIN)
    monkeypatch.setenv("STACKLING_DEMO_PASSWORD", DEMO)
    monkeypatch.setattr(auth, "_from_token", tokens.actor_from_token)
    monkeypatch.setattr(auth, "_from_session", sessions.actor_from_session)
    revocation.read_soon()
    seeds.seed()


SignIn = Callable[..., Api]


@pytest.fixture
def sign_in(seeded: None) -> SignIn:
    def done(name: str = "admin", password: str = ADMIN, scope: Any = None, domain: str = "default") -> Api:
        response = Api().call("post", "/auth/tokens", password_body(name, password, scope, domain), 201)
        return Api(response["X-Subject-Token"])

    return done


@pytest.fixture
def admin(sign_in: SignIn) -> Api:
    return sign_in()


@pytest.fixture
def demo(sign_in: SignIn) -> Api:
    return sign_in("demo", DEMO)


def user(name: str) -> User:
    return User.objects.get(name=name)


def project(name: str) -> Project:
    return Project.objects.get(name=name, is_domain=False)


def role(name: str) -> Role:
    return Role.objects.get(name=name, domain=None)
