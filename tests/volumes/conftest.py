"""A simulated cloud with one host that has a backend, and clients that are signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulated import Cloud, make_folders, simulated, tokens
from tests.volumes.parts import Volumes, host_with_backends


@pytest.fixture
def cloud(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Cloud]:
    make_folders(tmp_path)
    with simulated(monkeypatch, settings, tmp_path) as found:
        host_with_backends(found)
        yield found


@pytest.fixture
def client(cloud: Cloud) -> Iterator[Callable[..., Volumes]]:
    with tokens() as token:
        yield lambda project="red", role="member", version="3.71": Volumes(
            HTTP_X_AUTH_TOKEN=token(project, role), HTTP_OPENSTACK_API_VERSION=f"volume {version}"
        )


@pytest.fixture
def red(client: Callable[..., Volumes]) -> Volumes:
    return client()
