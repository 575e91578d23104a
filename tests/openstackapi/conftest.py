"""A seeded cloud in one process with something of each kind in it, for asking every route."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity import seeds as identity
from identity.revocation import services as revocation
from operations import doorbell, hostlink
from tests.compute.world import KEY, World
from tests.openstackapi.asking import ADMIN, DEMO, Asker


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> World:
    from compute.flavors.services import seed

    found = World()
    for name, folder in (("IMAGE_STORE", "images"), ("TOKEN_KEYS", "tokens"), ("CONSOLE_LOGS", "consoles")):
        (tmp_path / folder).mkdir()
        setattr(settings, name, tmp_path / folder)
    settings.DATA, settings.KEYS = tmp_path, tmp_path
    settings.POLICY_FILE = tmp_path / "policy.yaml"
    monkeypatch.setenv("STACKLING_ADMIN_PASSWORD", ADMIN)
    monkeypatch.setenv("STACKLING_DEMO_PASSWORD", DEMO)
    monkeypatch.setattr(doorbell, "ring", lambda job: found.jobs.append(job))
    monkeypatch.setattr(hostlink, "send_order", found.send)
    monkeypatch.setattr(hostlink, "_key_of", lambda host: KEY)
    revocation.read_soon()
    identity.seed()
    seed()
    found.host("host1")
    return found


@pytest.fixture
def askers(world: World) -> Callable[[], dict[str, Asker]]:
    """Signs both users in (again: what a test does may revoke a token)."""

    def sign_in() -> dict[str, Asker]:
        return {name: Asker.sign_in(name, word) for name, word in (("admin", ADMIN), ("demo", DEMO))}

    return sign_in
