"""The images of a new cloud: `demo` and `demo-alt`."""

from django.conf import settings
from django.db import transaction

from authorization.context import RequestContext
from common import seeding
from common.stores.files import pieces_of
from images.demo.build import NAMES, build
from images.images import data
from images.images.models import Image
from images.images.services import create

PROPERTIES = {
    "architecture": "x86_64",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "os_distro": "debian",
    "os_type": "linux",
    "os_version": "12",
    "os_admin_user": "demo",
}
MIN_RAM = 96  # MiB; with less the kernel does not come up
ASIDE = {"demo": "demo", "demo-alt": "demo image with ids of its own, to rescue the other with"}


def run() -> str | None:
    """Makes the public images that are absent. Returns what it made."""
    made = [
        name for name in NAMES if not Image.objects.filter(name=name, visibility="public").exclude(size=None).exists()
    ]
    if not made:
        return None
    built = build(settings.DATA / "cache" / "demo")
    actor = RequestContext.internal("seed", project_id=_admin_project())
    for name in made:
        with transaction.atomic():
            # Half-made by a start that was cut short.
            Image.objects.filter(name=name, visibility="public", size=None).delete()
            values = {"name": name, "visibility": "public", "disk_format": "qcow2", "container_format": "bare"}
            image = create(actor, values={**values, "min_ram": MIN_RAM, **PROPERTIES, "description": ASIDE[name]})
        path = built.images[name]
        data.upload(actor, image_id=image.pk, pieces=pieces_of(path), expected=path.stat().st_size)
    return ", ".join(made)


def _admin_project() -> str | None:
    from identity.projects.models import Project

    project = Project.objects.filter(name="admin", domain_id="default").values_list("id", flat=True).first()
    return str(project) if project else None


def register() -> None:
    seeding.register(50, "images", run)
