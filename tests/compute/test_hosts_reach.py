"""C9: what a host's key opens: its own servers' images, metadata and logs, and the snapshots that it was asked for."""

import json
import secrets
import time
from typing import Any

import pytest
from django.test import Client as Browser

from compute.servers.lifecycle import image_access, reconcile
from compute.servers.models import Server
from hostagent.messaging import envelope
from hosts import agents
from hosts.models import Host
from images.images.models import Image
from networking.desired.models import HostPiece
from networking.networks.models import Network
from networking.ports.models import Port
from operations.models import OperationStep
from tests.compute.client import Client
from tests.simulated import Cloud

KEYS = {"host1": "11" * 32, "host2": "22" * 32}


@pytest.fixture(autouse=True)
def two_hosts(world: Cloud, host: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("hosts.services.key_of", KEYS.get)
    monkeypatch.setattr(agents, "once", agents.Once(lambda: tmp_path / "nonces"))


def ask(host: str, method: str, path: str, body: bytes = b"", **identity: str) -> Any:
    at, nonce, digest = f"{time.time():.3f}", secrets.token_hex(12), envelope.body_digest(body)
    values = tuple(identity.get(name, "") for name in ("client", "network", "router"))
    made = envelope.http_signature(
        KEYS[host], method=method, path=path, at=at, nonce=nonce, digest=digest, identity=values
    )
    headers = {f"HTTP_X_STACKLING_{name.upper()}": value for name, value in identity.items()} | {
        "HTTP_X_STACKLING_HOST": host, "HTTP_X_STACKLING_TIME": at, "HTTP_X_STACKLING_NONCE": nonce,
        "HTTP_X_STACKLING_DIGEST": digest, "HTTP_X_STACKLING_SEAL_2": made,
    }  # fmt: skip
    return Browser().generic(method, path, body, "application/octet-stream", **headers)


def second(world: Cloud) -> Host:
    return world.host("host2")


def test_a_host_reads_the_images_of_its_servers_and_no_others(
    world: Cloud, launch: Any, image: Image, settings: Any
) -> None:
    launch()
    second(world)
    other = Image.objects.create(project_id="red", name="private", status="active", visibility="private")
    assert image_access.reads_image("host1", image.id)
    assert not image_access.reads_image("host2", image.id)
    assert not image_access.reads_image("host1", other.id)
    Server.objects.update(readable_images=[image.id, other.id])  # its kernel
    assert image_access.reads_image("host1", other.id)


def test_a_server_that_is_gone_opens_no_image(world: Cloud, launch: Any, red: Client, image: Image) -> None:
    server_id = launch()
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    assert not image_access.reads_image("host1", image.id)


def test_a_snapshot_is_taken_of_who_was_asked_for_it_while_it_is_asked(world: Cloud, launch: Any, red: Client) -> None:
    """C9: any host could write any snapshot."""
    server_id = launch()
    second(world)
    world.replies["server.snapshot"] = lambda order: None
    answer = red.ask("post", f"servers/{server_id}/action", {"createImage": {"name": "snap"}})
    assert answer.status_code == 202
    world.settle()
    image_id = answer["Location"].rpartition("/")[2]
    assert image_access.writes_image("host1", image_id)
    assert not image_access.writes_image("host2", image_id)
    assert not image_access.writes_image("host1", "another")
    OperationStep.objects.filter(verb="server.snapshot").update(finished_at="2026-01-01T00:00:00Z")
    assert not image_access.writes_image("host1", image_id)


def where(red: Client, server_id: str) -> str:
    return str(red.ok("get", f"servers/{server_id}")["server"]["addresses"]["private"][0]["addr"])


def test_a_host_reads_the_metadata_of_its_servers_and_of_networks_it_serves(
    world: Cloud, launch: Any, red: Client, network: Any
) -> None:
    """C9: every host's key read every server's metadata, user data and password."""
    who = {"client": where(red, launch()), "network": network.id}
    second(world)
    path = "/internal/metadata/latest/meta-data/instance-id"
    assert ask("host1", "GET", path, **who).status_code == 200
    assert ask("host2", "GET", path, **who).status_code == 404
    HostPiece.objects.update_or_create(host="host2", piece=f"dhcp:{network.id}", defaults={"wanted": "x"})
    assert ask("host2", "GET", path, **who).status_code == 200
    HostPiece.objects.filter(host="host2").update(wanted="", reported="x")  # it moved away; the host still claims it
    assert ask("host2", "GET", path, **who).status_code == 404


def test_a_router_that_lives_elsewhere_opens_nothing(world: Cloud, launch: Any, red: Client, network: Any) -> None:
    """C9, a sibling: a host names a router that it does not have."""
    address = where(red, launch())
    second(world)
    answer = ask("host2", "GET", "/internal/metadata/latest/meta-data/", client=address, router="any-router")
    assert answer.status_code == 404


def test_a_host_writes_the_logs_of_its_servers_only(world: Cloud, launch: Any, red: Client) -> None:
    """C9, a sibling: a server on no host (shelved) had a log that every host could write."""
    server_id = launch()
    second(world)
    path = f"/internal/servers/{server_id}/log?offset=0"
    assert ask("host1", "PUT", path, b"mine").status_code == 200
    assert ask("host2", "PUT", path, b"forged").status_code != 200
    Server.objects.update(host="")
    assert ask("host2", "PUT", path, b"forged").status_code != 200


def test_a_log_that_was_changed_on_its_way_is_not_kept(world: Cloud, launch: Any, red: Client) -> None:
    server_id = launch()
    path = f"/internal/servers/{server_id}/log?offset=0"
    at, nonce = f"{time.time():.3f}", secrets.token_hex(12)
    made = envelope.http_signature(
        KEYS["host1"],
        method="PUT",
        path=path,
        at=at,
        nonce=nonce,
        digest=envelope.body_digest(b"mine"),
        identity=("", "", ""),
    )
    answer = Browser().generic(
        "PUT", path, b"other", "application/octet-stream", HTTP_X_STACKLING_HOST="host1", HTTP_X_STACKLING_TIME=at,
        HTTP_X_STACKLING_NONCE=nonce, HTTP_X_STACKLING_DIGEST=envelope.body_digest(b"mine"), HTTP_X_STACKLING_SEAL_2=made,
    )  # fmt: skip
    assert answer.status_code == 401
    assert json.loads(answer.content)


def test_a_lease_is_believed_of_who_could_have_given_it(world: Cloud, launch: Any) -> None:
    """C9, a sibling: any host said of any port that it had its address."""
    server_id = launch()
    second(world)
    port = Port.objects.get(server_id=server_id)
    Network.objects.update(dhcp_host="host1")
    Server.objects.update(leased_at=None)
    reconcile.on_lease("host2", {"port_id": port.id, "at": time.time()})
    assert Server.objects.get().leased_at is None
    reconcile.on_lease("host1", {"port_id": port.id, "at": time.time()})
    assert Server.objects.get().leased_at is not None
