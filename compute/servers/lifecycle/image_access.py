"""The images that a host may open with its key: images that its servers stand on, and snapshots that it was asked for."""

from compute.servers.models import Server
from hostagent.contract.server import SERVER_SNAPSHOT
from images.images import filling


def reads_image(host: str, image_id: str) -> bool:
    """Whether a server of this host reads this image: its own, its kernel and ramdisk, or the one it is unshelved from."""
    here = Server.objects.living().filter(host=host).values_list("readable_images", "shelved_image_id")
    return any(image_id in readable or image_id == shelved for readable, shelved in here)


def writes_image(host: str, image_id: str) -> bool:
    """Whether this host was asked to send this snapshot, and has not answered yet."""
    return filling.is_asked(host, image_id, SERVER_SNAPSHOT)
