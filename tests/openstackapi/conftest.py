"""A seeded cloud in one process with something of each kind in it, for asking every route."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compute.flavors import services as flavors
from identity import seeds as identity
from identity.revocation import services as revocation
from tests.openstackapi.asking import ADMIN, DEMO, Asker
from tests.simulated import Cloud, make_folders, simulated


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Cloud]:
    make_folders(tmp_path)
    with simulated(monkeypatch, settings, tmp_path) as found:
        (tmp_path / "tokens").mkdir()
        settings.TOKEN_KEYS, settings.POLICY_FILE = tmp_path / "tokens", tmp_path / "policy.yaml"
        monkeypatch.setenv("STACKLING_ADMIN_PASSWORD", ADMIN)
        monkeypatch.setenv("STACKLING_DEMO_PASSWORD", DEMO)
        revocation.read_soon()
        identity.seed()
        flavors.seed()
        found.host("host1")
        yield found


@pytest.fixture
def askers(world: Cloud) -> Callable[[], dict[str, Asker]]:
    """Signs both users in (again: what a test does may revoke a token)."""

    def sign_in() -> dict[str, Asker]:
        return {name: Asker.sign_in(name, word) for name, word in (("admin", ADMIN), ("demo", DEMO))}

    return sign_in
