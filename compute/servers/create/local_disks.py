"""The disks of a server beside its root: ephemeral space and swap, whole or in the parts that a request names.

Stored as [{"name", "size_mib", "content"}], which are the `blank` disks of hostagent.contract; None is the flavor's own.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.numbers import is_whole
from compute.servers.models import Server

Disks = list[dict[str, Any]]


class TooMuchEphemeral(Invalid):
    template = _(
        "Ephemeral disks requested are larger than the instance type allows (%(asked)s GiB of %(have)s). If no size "
        "is given in one block device mapping, flavor ephemeral size will be used."
    )


class TooMuchSwap(Invalid):
    template = _("Swap drive requested is larger than instance type allows (%(asked)s MiB of %(have)s).")


def of(server: Server) -> Disks:
    """List a server's disks beside its root: the flavor's, or those that the launch requested."""
    return of_flavor(server.flavor) if server.local_disks is None else server.local_disks


def of_flavor(flavor: dict[str, Any]) -> Disks:
    """Return one ephemeral disk and one swap disk, where the flavor has them (ephemeral in GiB, swap in MiB)."""
    disks = [_ephemeral(0, int(flavor.get("ephemeral") or 0)), _swap(int(flavor.get("swap") or 0))]
    return [disk for disk in disks if disk["size_mib"]]


def requested(mappings: list[dict[str, Any]], flavor: dict[str, Any]) -> Disks | None:
    """Parse the blank local disks of block_device_mapping_v2; None where it has none. Sizes: see of_flavor.

    Raises: TooMuchEphemeral, TooMuchSwap, Invalid.
    """
    blank = [m for m in mappings if m.get("source_type") == "blank" and m.get("destination_type", "local") == "local"]
    if not blank:
        return None
    swaps = [m for m in blank if m.get("guest_format") == "swap"]
    spaces = [m for m in blank if m.get("guest_format") != "swap"]
    if len(swaps) > 1:
        raise Invalid(reason=_("Block Device Mapping is Invalid: More than one swap drive requested."))
    have = int(flavor.get("ephemeral") or 0)
    sizes = [_size(m, have) for m in spaces]
    if sum(sizes) > have:
        raise TooMuchEphemeral(asked=sum(sizes), have=have)
    have_swap = int(flavor.get("swap") or 0)
    swap = _size(swaps[0], have_swap) if swaps else have_swap
    if swap > have_swap:
        raise TooMuchSwap(asked=swap, have=have_swap)
    disks = (
        [_ephemeral(number, size) for number, size in enumerate(sizes)] if spaces else of_flavor({**flavor, "swap": 0})
    )
    return [disk for disk in (*disks, _swap(swap)) if disk["size_mib"]]


def _size(mapping: dict[str, object], default: int) -> int:
    """Parse the size of a mapping in its own unit; `default` where it has none. Raises: Invalid."""
    text = str(mapping.get("volume_size") or default)
    if not is_whole(text):
        raise Invalid(
            reason=_("Block Device Mapping is Invalid: volume_size %(text)s is not a whole number."), text=text[:20]
        )
    return int(text)


def _ephemeral(number: int, gib: int) -> dict[str, object]:
    return {"name": f"ephemeral{number}", "size_mib": gib * 1024, "content": "ext4"}


def _swap(mib: int) -> dict[str, object]:
    return {"name": "swap", "size_mib": mib, "content": "swap"}
