"""Compute's fixtures, and a stage that every flow is played on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.compute import conftest as compute
from tests.flows import whole
from tests.flows.scenarios import Stage
from tests.simulated import Cloud

world, host, image, network, signed_in = compute.world, compute.host, compute.image, compute.network, compute.signed_in
admin, launch, red, token = compute.admin, compute.launch, compute.red, compute.token


@pytest.fixture
def stage(world: Cloud, red: Any, launch: Callable[..., str], image: Any, network: Any) -> Stage:
    world.is_patient = True
    world.watch = lambda: whole.check_copies(world)  # A7: at every moment of every test here
    return Stage(world, red, launch, image, network)
