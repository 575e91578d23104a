"""A seeded cloud without hosts, and people signed in at the portal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from compute.flavors.services import seed as seed_flavors
from compute.servers.models import Server
from identity import seeds
from identity.models import Project, User
from identity.revocation import services as revocation
from operations import wakeups
from tests.live import LiveCloud
from tests.portal.defects import Things

PASSWORDS = {"admin": "admin's password", "demo": "demo's password"}


@pytest.fixture
def cloud_rows(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.DATA, settings.POLICY_FILE = tmp_path, tmp_path / "policy.yaml"
    settings.CONSOLE_LOGS = tmp_path / "consoles"
    settings.CONSOLE_LOGS.mkdir()
    monkeypatch.setattr(wakeups, "notify", lambda job: None)
    for name, password in PASSWORDS.items():
        monkeypatch.setenv(f"STACKLING_{name.upper()}_PASSWORD", password)
    revocation.read_soon()
    seeds.seed()
    seed_flavors()


def enter(name: str) -> Client:
    client = Client()
    answer = client.post("/sign-in", {"username": name, "password": PASSWORDS[name]})
    assert answer.status_code == 302, answer.content
    return client


@pytest.fixture
def demo(cloud_rows: None) -> Client:
    return enter("demo")


@pytest.fixture
def admin(cloud_rows: None) -> Client:
    return enter("admin")


@pytest.fixture
def things(fake_cloud: LiveCloud) -> Iterator[Things]:
    """Makes things in the cloud of browser tests; they go with the test."""
    found = Things(fake_cloud)
    yield found
    found.remove()


@pytest.fixture
def make_servers(cloud_rows: None) -> Callable[..., list[Server]]:
    """`make_servers(3, vm_state="active")`: rows as they are, in project demo."""
    project = Project.objects.get(name="demo", is_domain=False)
    user = User.objects.get(name="demo")

    def make(count: int = 1, project_id: str = "", **values: Any) -> list[Server]:
        flavor = {"vcpus": 1, "ram": 128, "disk": 1, "original_name": "tiny", "extra_specs": {}}
        rows = [
            Server(
                name=values.get("name", f"web-{number}"), hostname=f"web-{number}", project_id=project_id or project.pk,
                user_id=user.pk, flavor_id="tiny", flavor=flavor, host="host1",
                **{"vm_state": "active", "power_state": 1, **{name: value for name, value in values.items() if name != "name"}},
            )
            for number in range(count)
        ]  # fmt: skip
        return Server.objects.bulk_create(rows)

    return make
