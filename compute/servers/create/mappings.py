"""Block device mappings of a launch, v1 and v2, as the volumes that its server is to have.

Local mappings are parsed elsewhere: the image of the root disk in api/requests.py, blank disks in local_disks.py.
Source: nova/api/openstack/compute/schemas/servers.py, nova/block_device.py, and the API guide's "Block Device Mapping in Nova".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.ids import is_id
from common.numbers import is_whole
from common.truth import truth
from compute.servers.block_devices import NAMES

#: (source_type, destination_type) of mappings that are volumes.
_VOLUMES: Final = {("volume", "volume"), ("snapshot", "volume"), ("image", "volume"), ("blank", "volume")}
_LOCAL: Final = {("image", "local"), ("blank", "local")}
_MOST: Final = len(NAMES) - 1  # beside the root disk


@dataclass(frozen=True)
class Asked:
    """A volume that a server is launched with: an existing one (`source` "volume"), or one that is made of something, in GiB."""

    source: str
    id: str = ""  # of what it is, or is made of; "": blank
    size: int | None = None
    type: str | None = None
    is_root: bool = False
    goes_with_server: bool = False
    tag: str | None = None


def of_request(server: Mapping[str, Any]) -> list[Asked]:
    """Parse the volumes of a server's request. Raises: Invalid."""
    v1, v2 = server.get("block_device_mapping") or [], server.get("block_device_mapping_v2") or []
    if v1 and v2:
        raise Invalid(
            reason=_(
                "Block Device Mapping is Invalid: a request has either block_device_mapping or block_device_mapping_v2."
            )
        )
    found = [_of_v1(one) for one in v1] if v1 else [_of_v2(one) for one in v2 if _is_volume(one)]
    if len(found) > _MOST:
        raise Invalid(reason=_("Block Device Mapping is Invalid: a server has at most 26 disks."))
    roots = [one for one in found if one.is_root]
    image = server.get("imageRef") or next((True for one in v2 if _is_local_root(one)), None)
    if len(roots) > 1 or (roots and image):
        raise Invalid(
            reason=_(
                "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid."
            )
        )
    seen = [one.id for one in found if one.source == "volume"]
    if len(set(seen)) < len(seen):
        raise Invalid(reason=_("Block Device Mapping is Invalid: one volume is named twice."))
    return found


def _is_volume(mapping: Mapping[str, Any]) -> bool:
    """Raises: Invalid where a mapping is of no kind that there is."""
    source = str(mapping.get("source_type") or "")
    destination = str(mapping.get("destination_type") or ("volume" if source in ("volume", "snapshot") else "local"))
    if (source, destination) not in _VOLUMES | _LOCAL:
        raise Invalid(
            reason=_("Block Device Mapping is Invalid: %(source)s to %(destination)s is no mapping."),
            source=source[:20],
            destination=destination[:20],
        )
    return (source, destination) in _VOLUMES


def _is_local_root(mapping: Mapping[str, Any]) -> bool:
    return not _is_volume(mapping) and mapping.get("source_type") == "image"


def _of_v2(mapping: Mapping[str, Any]) -> Asked:
    source = str(mapping["source_type"])
    id = str(mapping.get("uuid") or "")
    if (source == "blank") is bool(id) or (id and not is_id(id)):
        raise Invalid(
            reason=_("Block Device Mapping is Invalid: a mapping of %(source)s has the wrong uuid."), source=source
        )
    size = _size(mapping.get("volume_size"))
    if size is None and source in ("blank", "image"):
        raise Invalid(
            reason=_(
                "Block Device Mapping is Invalid: %(source)s mappings with destination_type 'volume' need a volume_size that is not 0."
            ),
            source=source,
        )
    index = mapping.get("boot_index")
    return Asked(
        source=source,
        id=id,
        size=size,
        type=str(mapping["volume_type"]) if mapping.get("volume_type") else None,
        is_root=str(index) == "0",
        goes_with_server=bool(truth(mapping.get("delete_on_termination", False))),
        tag=str(mapping["tag"])[:60] if mapping.get("tag") else None,
    )


def _of_v1(mapping: Mapping[str, Any]) -> Asked:
    """Parse what Nova's first form says; the device vda is the root there."""
    volume, snapshot = str(mapping.get("volume_id") or ""), str(mapping.get("snapshot_id") or "")
    id = volume or snapshot
    if not is_id(id):
        raise Invalid(reason=_("Block Device Mapping is Invalid: a mapping names a volume_id or a snapshot_id."))
    return Asked(
        source="volume" if volume else "snapshot",
        id=id,
        size=_size(mapping.get("volume_size")),
        is_root=str(mapping.get("device_name") or "").removeprefix("/dev/") in ("vda", "sda", "hda", "xvda"),
        goes_with_server=bool(truth(mapping.get("delete_on_termination", False))),
    )


def _size(said: object) -> int | None:
    if said in (None, "", 0, "0"):
        return None
    if not is_whole(str(said)):
        raise Invalid(
            reason=_("Block Device Mapping is Invalid: volume_size %(text)s is not a whole number."),
            text=str(said)[:20],
        )
    return int(str(said))


def root_of(asked: Iterable[Asked]) -> Asked | None:
    return next((one for one in asked if one.is_root), None)
