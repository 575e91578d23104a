"""All rows of the image service (Django finds models through this module)."""

from images.images.models import Image, ImageTag
from images.members.models import ImageMember
from images.metadefs.models import Definition, Namespace
from images.tasks.models import Task

__all__ = ["Definition", "Image", "ImageMember", "ImageTag", "Namespace", "Task"]
