"""A simulated cloud, and the stage of whatever flow a test is about (its parameter `name`)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.playing import on_stage
from tests.flows.registry import PLAYS
from tests.simulated import Cloud, make_folders, simulated, tokens


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Cloud]:
    make_folders(tmp_path)
    with simulated(monkeypatch, settings, tmp_path) as found:
        yield found


@pytest.fixture
def token(world: Cloud) -> Iterator[Callable[..., str]]:
    with tokens() as make:
        yield make


@pytest.fixture
def stage(request: pytest.FixtureRequest, world: Cloud, token: Callable[..., str]) -> Any:
    return on_stage(PLAYS[request.node.callspec.params["name"]].stage, world, token)
