"""Actors without a Keystone, a store in a temporary folder, and disks of every kind."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from images.images import data
from images.tasks import imports
from operations import background
from operations.models import BackgroundJob
from tests.simulated import tokens


class Client(APIClient):
    """A client with a token. Paths are below /api/image/v2/."""

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        full = path if path.startswith("/") else f"/api/image/v2/{path}"
        send = getattr(self, method)
        return send(full, body, format="json", **more) if body is not None else send(full, **more)

    def create(self, **values: Any) -> dict[str, Any]:
        answer = self.ask("post", "images", {"disk_format": "raw", "container_format": "bare", **values})
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def upload(self, image_id: str, content: bytes, where: str = "file") -> Any:
        return self.generic("PUT", f"/api/image/v2/images/{image_id}/{where}", content, "application/octet-stream")

    def show(self, image_id: str) -> dict[str, Any]:
        answer = self.ask("get", f"images/{image_id}")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def patch_image(self, image_id: str, *changes: dict[str, Any], version: str = "2.1") -> Any:
        import json

        kind = f"application/openstack-images-v{version}-json-patch"
        return self.generic("PATCH", f"/api/image/v2/images/{image_id}", json.dumps(changes), kind)


def work() -> None:
    """What the control process would do now."""
    for job in list(BackgroundJob.objects.filter(kind__in=(imports.KIND, data.GONE))):
        background.run(job.kind, job.key)


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Path:
    settings.IMAGE_STORE = tmp_path / "images"
    settings.ROOT_URLCONF = "tests.images.routes"
    return tmp_path / "images"


@pytest.fixture
def signed_in(store: Path, db: None) -> Iterator[Callable[..., Client]]:
    """`signed_in("red", "reader")` is a client of project red with that role."""
    with tokens() as token:
        yield lambda project, role="member": Client(
            HTTP_X_AUTH_TOKEN=token(project, role), HTTP_ACCEPT="application/json"
        )


@pytest.fixture
def red(signed_in: Callable[..., Client]) -> Client:
    return signed_in("red")


@pytest.fixture
def blue(signed_in: Callable[..., Client]) -> Client:
    return signed_in("blue")


@pytest.fixture
def admin(signed_in: Callable[..., Client]) -> Client:
    return signed_in("ops", "admin")


@pytest.fixture
def disk(tmp_path: Path) -> Callable[..., bytes]:
    """`disk("qcow2", "-o", "…")`: the bytes of a new 4 MiB disk of that format (as qemu-img names it)."""

    def make(kind: str, *options: str, size: str | None = "4M") -> bytes:
        path = tmp_path / f"disk.{kind}"
        path.unlink(missing_ok=True)
        command = ["qemu-img", "create", "-q", "-f", kind, *options, str(path)]
        subprocess.run([*command, size] if size else command, check=True)
        return path.read_bytes()

    return make
