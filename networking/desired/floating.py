"""Floating IPs are ACTIVE once the host of their router has said that it leads them."""

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Value
from django.db.models.functions import Concat

from common.live import announce
from networking.desired.models import Change, HostPiece
from networking.floatingips import states
from networking.floatingips.models import FloatingIP

PIECE = "router:"


def activate(pieces: Iterable[str]) -> None:
    """Set DOWN floating IPs with a port ACTIVE once their router's host has reported the desired hash and no Change is pending.

    Two statements however many; none without a router. Within a transaction, in `sync.turn`.
    """
    routers = [piece.removeprefix(PIECE) for piece in pieces if piece.startswith(PIECE)]
    if not routers:
        return
    its_piece = Concat(Value(PIECE), OuterRef("router_id"))
    stands = HostPiece.objects.filter(piece=its_piece, host=OuterRef("router__host"), reported=F("wanted"))
    down = FloatingIP.objects.filter(router_id__in=routers, status=states.DOWN).exclude(port=None)
    rows = down.filter(Exists(stands.exclude(wanted="")), ~Exists(Change.objects.filter(piece=its_piece))).values_list(
        "id", "project_id"
    )
    found = list(rows)
    if not found:
        return
    down.filter(pk__in=[floating_id for floating_id, _project in found]).update(status=states.ACTIVE)
    for floating_id, project in found:
        announce("floatingip", floating_id, project)
