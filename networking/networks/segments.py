"""Kinds, segments and conntrack zones of networks: which are possible, which are free."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, NoCapacity
from networking.errors import InvalidInput
from networking.networks.models import KINDS, Network

VXLAN_RANGE = (1, (1 << 24) - 1)
VLAN_RANGE = (1, 4094)
ZONE_RANGE = (1, 65535)  # nf_conntrack zones are 16 bits; 0 is the host's own
VXLAN_OVERHEAD = 50  # outer Ethernet 14, IPv4 20, UDP 8, VXLAN 8
DEFAULT_KIND = "vxlan"
DEFAULT_PHYSICAL = "public"


class NetworkSegmentInUse(Conflict):
    wire_type = "FlatNetworkInUse"
    formerly = ("FlatNetworkInUse",)
    template = _(
        "Unable to create the network. The %(kind)s segment %(number)s on physical network %(physical)s is in use."
    )


class NoNetworkAvailable(NoCapacity):
    template = _("Unable to create the network. No %(kind)s segment is free.")


@dataclass(frozen=True, slots=True)
class Segment:
    """`number` None: any free one (vlan, vxlan) or none at all (local, flat)."""

    kind: str
    physical: str
    number: int | None


def underlay_mtu() -> int:
    return int(getattr(settings, "UNDERLAY_MTU", 1500))


def check_mtu(mtu: int | None, kind: str) -> int:
    """Return the MTU of a network: at most what fits its kind, in bytes. None or 0: that most.

    Raises: InvalidInput.
    """
    most = underlay_mtu() - (VXLAN_OVERHEAD if kind == "vxlan" else 0)
    if not mtu:
        return most
    if not 68 <= mtu <= most:
        raise InvalidInput(
            reason=_("Requested MTU is too big or too small, it must be between 68 and %(most)s"), most=most
        )
    return mtu


def check(kind: str | None, physical: str | None, number: int | None) -> Segment:
    """Check an administrator's request for a segment. Raises: InvalidInput."""
    if kind is None and (physical or number):
        raise InvalidInput(reason=_("network_type required"))
    kind = kind or DEFAULT_KIND
    if kind not in KINDS:
        raise InvalidInput(reason=_("network_type value '%(kind)s' not supported"), kind=kind)
    if kind in ("local", "vxlan") and physical:
        raise InvalidInput(reason=_("provider:physical_network specified for %(kind)s network"), kind=kind)
    if kind in ("local", "flat") and number is not None:
        raise InvalidInput(reason=_("segmentation_id prohibited for %(kind)s provider network"), kind=kind)
    low, high = VLAN_RANGE if kind == "vlan" else VXLAN_RANGE
    if number is not None and not low <= number <= high:
        raise InvalidInput(reason=_("segmentation_id out of range (%(low)s through %(high)s)"), low=low, high=high)
    needs_physical = kind in ("flat", "vlan")
    return Segment(kind, (physical or DEFAULT_PHYSICAL) if needs_physical else "", number)


def choose(wanted: Segment) -> Segment:
    """Return the segment with a number that is free now. Raises: NetworkSegmentInUse, NoNetworkAvailable."""
    taken = Network.objects.filter(kind=wanted.kind, physical=wanted.physical)
    if wanted.kind == "local":
        return wanted
    if wanted.kind == "flat" or wanted.number is not None:
        if taken.filter(**({} if wanted.kind == "flat" else {"segment": wanted.number})).exists():
            raise NetworkSegmentInUse(kind=wanted.kind, number=wanted.number or "", physical=wanted.physical)
        return wanted
    number = _next(taken, "segment", VLAN_RANGE if wanted.kind == "vlan" else VXLAN_RANGE)
    if number is None:
        raise NoNetworkAvailable(kind=wanted.kind)
    return Segment(wanted.kind, wanted.physical, number)


def free_zone() -> int:
    """Find a conntrack zone no network has. Raises: NoNetworkAvailable."""
    zone = _next(Network.objects.all(), "conntrack_zone", ZONE_RANGE)
    if zone is None:
        raise NoNetworkAvailable(kind=_("conntrack zone"))
    return zone


def _next(rows: QuerySet[Network], column: str, bounds: tuple[int, int]) -> int | None:
    """The number after the largest one used; once that is spent, the first gap."""
    low, high = bounds
    largest = rows.aggregate(most=Max(column))["most"]
    if largest is None:
        return low
    if largest < high:
        return max(int(largest) + 1, low)
    used = set(rows.values_list(column, flat=True))
    return next((number for number in range(low, high + 1) if number not in used), None)
