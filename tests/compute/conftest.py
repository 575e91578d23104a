"""A world of hosts that answer, a network, an image, flavors, and clients that are signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.actor import Actor
from common.errors import Unauthorized
from compute.flavors.services import seed
from images.images.models import Image
from networking.networks.models import Network
from openstackapi import auth
from operations import doorbell, hostlink
from tests.compute.world import KEY, Client, World, actor


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> World:
    found = World()
    settings.ROOT_URLCONF = "tests.compute.routes"
    settings.DATA, settings.CONSOLE_LOGS = tmp_path, tmp_path / "consoles"
    settings.IMAGE_STORE, settings.KEYS = tmp_path / "images", tmp_path / "keys"
    for folder in ("images", "keys"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(doorbell, "ring", lambda job: found.jobs.append(job))
    monkeypatch.setattr(hostlink, "send_order", found.send)
    monkeypatch.setattr(hostlink, "_key_of", lambda host: KEY)
    seed()
    return found


@pytest.fixture
def host(world: World) -> Any:
    return world.host("host1")


@pytest.fixture
def image(world: World, settings: Any) -> Image:
    row = Image.objects.create(
        project_id="red", name="demo", status="active", visibility="public", disk_format="qcow2", container_format="bare",
        size=4, virtual_size=4, os_hash_algo="sha512", os_hash_value="ab" * 64, inspected=True,
    )  # fmt: skip
    (Path(settings.IMAGE_STORE) / row.id).write_bytes(b"demo")
    return row


@pytest.fixture
def network(world: World) -> Network:
    """A network of project red with one IPv4 subnet."""
    from networking.networks import services as networks
    from networking.subnets import services as subnets

    who = actor("red")
    row = networks.create(who, name="private")
    subnets.create(who, network_id=row.id, cidr="10.9.0.0/24", ip_version=4, name="private")
    return row


@pytest.fixture
def signed_in(world: World) -> Iterator[Callable[..., Client]]:
    """`signed_in("red", "reader")` is a client of project red with that role."""
    was = (auth._from_token, auth._from_session)
    known: dict[str, Actor] = {}

    def from_token(text: str, request_id: str) -> Actor:
        if text not in known:
            raise Unauthorized()
        return known[text].with_request(request_id)

    auth.use(token=from_token, session=lambda request: None)

    def make(project: str = "red", role: str = "member") -> Client:
        known[f"{project}-{role}"] = actor(project, role)
        return Client(HTTP_X_AUTH_TOKEN=f"{project}-{role}")

    yield make
    auth._from_token, auth._from_session = was


@pytest.fixture
def red(signed_in: Callable[..., Client]) -> Client:
    return signed_in("red")


@pytest.fixture
def admin(signed_in: Callable[..., Client]) -> Client:
    return signed_in("admin", "admin")


@pytest.fixture
def launch(world: World, host: Any, image: Image, network: Network, red: Client) -> Callable[..., str]:
    """POST /servers and let the hosts answer; gives the id."""

    def make(name: str = "one", *, flavor: str = "tiny", settle: bool = True, hints: Any = None, **more: Any) -> str:
        version = more.pop("version", "2.1")
        body: dict[str, Any] = {"server": {"name": name, "imageRef": image.id, "flavorRef": flavor, **more}}
        if hints:
            body["os:scheduler_hints"] = hints
        answer = red.ok("post", "servers", body, status=202, version=version)
        if settle:
            world.settle()
        return str(answer["server"]["id"])

    return make
