"""Bounds of the image service's tables that users can grow."""

from common.ceilings import elsewhere
from images.images.models import ImageTag
from images.members.models import ImageMember
from images.metadefs.models import Definition, Namespace
from images.tasks.models import Task


def register() -> None:
    for model in (Namespace, Definition):
        elsewhere(model, "rows that only operators make")
    elsewhere(ImageMember, "images.members.services.MOST_MEMBERS of one image")
    elsewhere(ImageTag, "images.images.services.MOST_TAGS of one image")
    elsewhere(Task, "image_count_uploading at once, and images.tasks.imports.prune after two days")
