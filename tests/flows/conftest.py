"""Compute's world of tests, with hosts that remember what they were told and a stage that every flow is played on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.compute import conftest as compute
from tests.flows import hosts, whole
from tests.flows.scenarios import Stage

host, image, network, signed_in, red = compute.host, compute.image, compute.network, compute.signed_in, compute.red
admin, launch = compute.admin, compute.launch


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> hosts.Hosts:
    monkeypatch.setattr(compute, "World", hosts.Hosts)
    found: hosts.Hosts = compute.world.__wrapped__(transactional_db, monkeypatch, settings, tmp_path)
    return found


@pytest.fixture
def stage(world: hosts.Hosts, red: Any, launch: Callable[..., str], image: Any, network: Any) -> Stage:
    world.watch = lambda: whole.check_copies(world)  # A7: at every moment of every test here
    return Stage(world, red, launch, image, network)
