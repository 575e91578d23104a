"""What hosts report that concerns volumes, and which images a host may read and write for them."""

from hostagent.contract.volume import EXPORT_REMOVE, SNAPSHOT_REMOVE, VOLUME_REMOVE, VOLUME_SEND
from hosts import agents, debts, reconciliation
from hosts import services as hosts
from images.images import filling
from keystore import columns
from operations import parking
from operations.steps import broken
from volumes import leftovers
from volumes.backends import services as backends
from volumes.volumes.models import Volume
from volumes.volumes.states import CREATING


def reads_image(host: str, image_id: str) -> bool:
    """Whether a volume is being made of this image on this host."""
    return Volume.objects.filter(host=host, status=CREATING, image_id=image_id).exists()


def writes_image(host: str, image_id: str) -> bool:
    """Whether this host was asked to send a volume as this image, and has not answered yet."""
    return filling.is_asked(host, image_id, VOLUME_SEND)


def register() -> None:
    columns.register("volumes.Attachment", "encrypted_password")
    reconciliation.register(leftovers.KIND)
    parking.on_broken("volume", broken)
    parking.on_broken("volume_snapshot", broken)
    for verb in (VOLUME_REMOVE, SNAPSHOT_REMOVE, EXPORT_REMOVE):  # by which flows undo: a host that is away owes them
        debts.register(verb.name)
    hosts.on_inventory(backends.on_inventory)
    hosts.on_hello(backends.on_inventory)
    agents.allow("read image", reads_image)
    agents.allow("write image", writes_image)
