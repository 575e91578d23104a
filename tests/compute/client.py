"""A client of Nova's API, and what most tests have it begin with: an image, a network, a server."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from rest_framework.test import APIClient

from images.images.models import Image
from networking.networks import services as networks
from networking.networks.models import Network
from networking.subnets import services as subnets
from tests.simulated import actor


class Client(APIClient):
    """Asks paths below /api/compute/v2.1/ in a microversion."""

    version = "2.1"

    def ask(self, method: str, path: str, body: Any = None, *, version: str | None = None, **more: Any) -> Any:
        full = path if path.startswith("/") else f"/api/compute/v2.1/{path}"
        headers = {"HTTP_X_OPENSTACK_NOVA_API_VERSION": version or self.version, **more}
        if body is None:
            return getattr(self, method)(full, **headers)
        return self.generic(method.upper(), full, json.dumps(body), "application/json", **headers)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
        answer = self.ask(method, path, body, **more)
        assert answer.status_code == status, (answer.status_code, answer.content[:600])
        return answer.json() if answer.content else None

    def act(self, server_id: str, body: dict[str, Any], status: int = 202) -> None:
        """POST /servers/<id>/action."""
        self.ok("post", f"servers/{server_id}/action", body, status=status)

    def launch(self, image: Image, name: str = "one", *, flavor: str = "tiny", hints: Any = None, **more: Any) -> str:
        """POST /servers; gives the id."""
        version = more.pop("version", "2.1")
        body: dict[str, Any] = {"server": {"name": name, "imageRef": image.id, "flavorRef": flavor, **more}}
        if hints:
            body["os:scheduler_hints"] = hints
        return str(self.ok("post", "servers", body, status=202, version=version)["server"]["id"])


def make_image() -> Image:
    """Make a public image with bytes."""
    row = Image.objects.create(
        project_id="red", name="demo", status="active", visibility="public", disk_format="qcow2", container_format="bare",
        size=4, virtual_size=4, os_hash_algo="sha512", os_hash_value="ab" * 64, inspected=True,
    )  # fmt: skip
    (Path(settings.IMAGE_STORE) / row.id).write_bytes(b"demo")
    return row


def make_network() -> Network:
    """Make a network of project red with one IPv4 subnet."""
    who = actor("red")
    row: Network = networks.create(who, name="private")
    subnets.create(who, network_id=row.id, cidr="10.9.0.0/24", ip_version=4, name="private")
    return row
