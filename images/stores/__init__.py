"""The stores in which images' bytes are kept, by the names that Glance's clients see. One today: a folder."""

from pathlib import Path
from typing import Final

from django.conf import settings

from common import file_modes
from common.stores import Registry, Store
from common.stores.files import FileStore

STORES: Final = Registry()
STORES.add(FileStore("file", "Local files", lambda: Path(settings.IMAGE_STORE), file_modes.give_image))


def default() -> Store:
    """Return the store that new images go to."""
    return STORES.default


def staging_key(image_id: str) -> str:
    """Return the key of an image's bytes while they wait for an import; an image's own key is its id."""
    return f"{image_id}.staged"


def remove(image_id: str) -> None:
    """Remove an image's bytes and what was staged of it; absent is success."""
    for store in STORES:
        store.remove(image_id)
        store.remove(staging_key(image_id))


def arrived(image_id: str) -> int:
    """Bytes of an image that are not yet its data: in the making, and staged."""
    return sum(store.used_below(f"{image_id}.") for store in STORES)


def place_of(image_id: str) -> str:
    """Where an operator finds an image's bytes: a path, or the store's name and the key."""
    store = default()
    return str(store.location(image_id)) if "location" in store.capabilities else f"{store.name}:{image_id}"
