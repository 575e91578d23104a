"""What must be true of images while nothing is under way (tests/flows/registry.py)."""

from images.images.models import Image
from tests.flows.registry import register
from tests.simulated import Cloud


def check_images(cloud: Cloud) -> None:
    assert not Image.objects.filter(status__in=("queued", "saving")).exists(), "an image that nobody fills"


register(whole=check_images)
