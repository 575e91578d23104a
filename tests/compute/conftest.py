"""A simulated cloud with a network, an image, flavors, and clients that are signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compute.flavors.services import seed
from images.images.models import Image
from networking.networks.models import Network
from tests.compute.client import Client, make_image, make_network
from tests.compute.flows import Servers
from tests.flows.playing import on_stage
from tests.simulated import Cloud, make_folders, simulated, tokens


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Cloud]:
    settings.ROOT_URLCONF = "tests.compute.routes"
    make_folders(tmp_path)
    with simulated(monkeypatch, settings, tmp_path) as found:
        seed()
        yield found


@pytest.fixture
def host(world: Cloud) -> Any:
    return world.host("host1")


@pytest.fixture
def image(world: Cloud) -> Image:
    return make_image()


@pytest.fixture
def network(world: Cloud) -> Network:
    return make_network()


@pytest.fixture
def token(world: Cloud) -> Iterator[Callable[..., str]]:
    with tokens() as make:
        yield make


@pytest.fixture
def signed_in(token: Callable[..., str]) -> Callable[..., Client]:
    """`signed_in("red", "reader")` is a client of project red with that role."""
    return lambda project="red", role="member": Client(HTTP_X_AUTH_TOKEN=token(project, role))


@pytest.fixture
def red(signed_in: Callable[..., Client]) -> Client:
    return signed_in("red")


@pytest.fixture
def admin(signed_in: Callable[..., Client]) -> Client:
    return signed_in("admin", "admin")


@pytest.fixture
def launch(world: Cloud, host: Any, image: Image, network: Network, red: Client) -> Callable[..., str]:
    """POST /servers and let the hosts answer; gives the id."""

    def make(name: str = "one", *, settle: bool = True, **more: Any) -> str:
        server_id = red.launch(image, name, **more)
        if settle:
            world.settle()
        return server_id

    return make


@pytest.fixture
def stage(world: Cloud, token: Callable[..., str]) -> Servers:
    """What flows of servers are played on, for what is true of servers alone."""
    return on_stage(Servers, world, token)
