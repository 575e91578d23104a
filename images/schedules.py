"""The image service's background work and periodic tasks."""

from images.images import data
from images.tasks import imports
from operations import background, periodic


def register() -> None:
    background.register(imports.KIND, imports.run, pool="bulk")
    background.register(data.GONE, data.forget)
    periodic.register(30, "images.recover", data.recover)
    periodic.register(60, "images.prune", imports.prune)
