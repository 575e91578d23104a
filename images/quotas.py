"""Quotas of the image service."""

from django.db.models import Sum

from common.units import mib_of
from images.images import states
from images.images.models import Image
from quota import services as quota


def count_images(project_id: str) -> int:
    return int(Image.objects.filter(project_id=project_id).count())


def count_mib(project_id: str) -> int:
    """MiB of all the project's images together, rounded up."""
    total = Image.objects.using_space_of(project_id).aggregate(total=Sum("size"))["total"]
    return mib_of(total or 0)


def count_arriving(project_id: str) -> int:
    return int(Image.objects.filter(project_id=project_id, status__in=states.ARRIVING).count())


def register() -> None:
    quota.register("image", "image_count_total", default=100, count=count_images, description="Images")
    quota.register("image", "image_size_total", default=102_400, count=count_mib, description="MiB of image data")
    quota.register(
        "image", "image_count_uploading", default=20, count=count_arriving, description="Images being uploaded at once"
    )
