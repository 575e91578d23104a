"""Reports of hosts about their network, compared with the desired state."""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

import operations
from common.live import announce
from common.prepared import Prepared, PreparedMany
from hostagent.contract.failures import FailureBody
from hostagent.contract.network import NetworkChange, NetworkState
from networking.desired import floating, sync
from networking.desired.models import Change, HostPiece
from networking.ports import states
from networking.ports.models import DHCP, REFUSAL, Port

log = logging.getLogger(__name__)

ASK_EVERY: Final = 60.0  # seconds between two orders to set the same pieces aside


class Seen(NamedTuple):
    """The columns of a HostPiece that a report is held against."""

    pk: int
    piece: str
    wanted: str
    reported: str
    failure: FailureBody | None


@dataclass(frozen=True)
class Report:
    """A host's report about some of its pieces, or about all."""

    host: str
    hashes: dict[str, str]
    failed: Mapping[str, FailureBody]
    left_out: dict[str, str] | None  # None: it says nothing of that, as agents of before did not
    pieces: tuple[str, ...] | None = None  # those that it is about; None: all

    def rows(self) -> list[Seen]:
        """Rows of the pieces that the report is about."""
        found = _of_host(self.host) if self.pieces is None else _of_pieces(self.pieces, self.host)
        return [Seen(*row) for row in found]

    def is_known(self) -> bool:
        """Whether the rows say so already."""
        seen = self.rows()
        if self.pieces is None and set(self.hashes) - {row.piece for row in seen}:
            return False
        return all(
            row.reported == self.hashes.get(row.piece, "") and row.failure == self.failed.get(row.piece) for row in seen
        )

    def refusing(self) -> QuerySet[Port]:
        """Ports that it may say something of as `left_out`: of networks whose DHCP server is there."""
        here = Port.objects.filter(network__dhcp_host=self.host)
        return here if self.pieces is None else here.filter(network_id__in=_ids(self.pieces, "dhcp:"))

    def says_left_out(self) -> bool:
        """Whether its DHCP servers leave out options of ports, or no longer do."""
        if self.left_out or self.left_out is None:
            return bool(self.left_out)
        if self.pieces is None:
            return bool(_refused(self.host))
        return bool(_ids(self.pieces, "dhcp:")) and self.refusing().exclude(dhcp_refusal="").exists()


def on_network(host: str, body: NetworkState) -> None:
    """Take in all that a host's network is (contract.network.NetworkState)."""
    _take(Report(host, body.get("hashes", {}), body.get("failed", {}), body.get("left_out")))


def on_change(host: str, body: NetworkChange) -> None:
    """Take the result of one order (contract.network.NetworkChange). Its cost grows with its pieces, not with the host's."""
    hashes = body["hashes"]
    _take(Report(host, hashes, body["failed"], body["left_out"], tuple(hashes)))


def _take(report: Report) -> None:
    """Write what is new, and wake whoever waited for it.

    Reports may overtake each other; an older one makes a piece seem behind, and periodic recovery then sends it again. Each locks its
    own host's pieces only, and one that says nothing new writes nothing.
    """
    host = report.host
    if report.is_known() and not report.says_left_out() and not _unplugged(host):
        return
    with transaction.atomic():
        seen = report.rows()
        arrived, broken = _store(seen, report.hashes, report.failed)
        if report.pieces is None:
            _deal_with_strays(host, sorted(set(report.hashes) - {row.piece for row in seen}))
        _plug_service_ports(arrived)
        floating.activate(arrived)
        if report.says_left_out():
            _note_left_out(report)
        _wake_ports(host, arrived)
        for port in broken:
            operations.wake("port", port)


_strays: dict[str, tuple[list[str], float]] = {}  # host → pieces that it was last asked to set aside, and when


def _deal_with_strays(host: str, strays: list[str]) -> None:
    """Have pieces set aside that no row knows. Where the host keeps them, for they are many, an operator decides: not asked at
    each report of an agent that answers with all that it has."""
    known, moment = _strays.get(host), time.monotonic()
    if not strays or (known is not None and known[0] == strays and moment - known[1] < ASK_EVERY):
        return
    _strays[host] = strays, moment
    log.warning("networking: %s has pieces that no row knows: %s", host, ", ".join(strays[:5]))
    sync.set_aside(host, strays)


def wake_waiting() -> None:
    """Wake ports that no report makes ready, such as one whose DHCP server went away. Runs every few seconds."""
    for host in HostPiece.objects.filter(is_ready=False).exclude(wanted="").values_list("host", flat=True).distinct():
        with transaction.atomic():
            _wake_ports(host, [])


def _ids(pieces: Iterable[str], kind: str) -> list[str]:
    """The ids of those that are of a kind, such as "dhcp:"."""
    return [piece.removeprefix(kind) for piece in pieces if piece.startswith(kind)]


_refused = Prepared(lambda host: Port.objects.filter(network__dhcp_host=host).exclude(dhcp_refusal="").values("pk")[:1])
_of_host = Prepared(lambda host: HostPiece.objects.filter(host=host).values_list(*Seen._fields))
_of_pieces = PreparedMany(
    lambda pieces, host: HostPiece.objects.filter(piece__in=pieces, host=host).values_list(*Seen._fields)
)
_unplugged = Prepared(
    lambda host: HostPiece.objects.filter(is_ready=False, host=host).exclude(wanted="").values("pk")[:1]
)
_waiting = HostPiece.objects.select_for_update().filter(is_ready=False).exclude(wanted="").order_by("pk")
_unready = Prepared(lambda host: _waiting.filter(host=host))
_unready_with = PreparedMany(lambda dhcps: _waiting.filter(dhcp__in=dhcps))
_reported = PreparedMany(
    lambda pieces: (
        HostPiece.objects.filter(piece__in=pieces).exclude(wanted="").values_list("piece", "host", "reported_at")
    )
)


def _store(seen: list[Seen], hashes: dict[str, str], failed: Mapping[str, FailureBody]) -> tuple[list[str], list[str]]:
    """Write what differs. Returns (pieces that are now as desired, ports for which a failure is new)."""
    differing, failing = [], []
    for row in seen:
        reported, failure = hashes.get(row.piece, ""), failed.get(row.piece)
        if row.reported != reported or row.failure != failure:
            differing.append(row.pk)
            if failure and failure != row.failure:
                failing.append(row.piece)
    locked = HostPiece.objects.select_for_update().filter(pk__in=differing).order_by("pk")
    rows = list(locked) if differing else []
    arrived = [row.piece for row in rows if _note(row, hashes.get(row.piece, ""), failed.get(row.piece))]
    sync.save_rows(rows, ["reported", "reported_at", "failure", "is_behind"])
    return arrived, _ports_needing(failing)


def _note(row: HostPiece, reported: str, failure: FailureBody | None) -> bool:
    """Put what was reported into the row. True if the piece is now as desired."""
    row.reported, row.failure = reported, failure
    row.is_behind = row.wanted != reported
    if reported and reported == row.wanted:
        row.reported_at = row.wanted_at
        return True
    row.reported_at = next((at for past, at in reversed(row.history) if reported and past == reported), 0)
    return False


def _note_left_out(report: Report) -> None:
    """Ports of networks whose DHCP server is on this host say whether it serves them without their own options."""
    host, here = report.host, report.refusing()
    before = here.exclude(dhcp_refusal="").values_list("id", flat=True)
    changed = {**dict.fromkeys(before, ""), **(report.left_out or {})}
    for port in here.filter(pk__in=list(changed)):
        said = changed[port.id][:REFUSAL]
        if said != port.dhcp_refusal:
            if said:
                log.warning(
                    "networking: the DHCP server on %s serves port %s without its options: %s", host, port.id, said
                )
            port.dhcp_refusal = said
            port.save(update_fields=["dhcp_refusal"])
            announce("port", port.id, port.project_id)


def _ports_needing(pieces: list[str]) -> list[str]:
    """Ports that wait for one of these pieces."""
    if not pieces:
        return []
    waiting = HostPiece.objects.filter(is_ready=False).values_list("piece", "needs")
    return [piece.removeprefix("port:") for piece, needs in waiting if any(need in needs for need in pieces)]


def _plug_service_ports(pieces: list[str]) -> None:
    """Ports of DHCP servers and routers are ACTIVE once their piece stands."""
    networks, routers = _ids(pieces, "dhcp:"), _ids(pieces, "router:")
    down = Port.objects.exclude(status=states.ACTIVE)
    if networks:
        down.filter(network_id__in=networks, role=DHCP).update(status=states.ACTIVE)
    if routers:
        down.filter(router_id__in=routers).update(status=states.ACTIVE)


def _wake_ports(host: str, arrived: list[str]) -> None:
    """Mark ports whose every need is met as plugged, and wake the steps that wait for them.

    Only what waits on this host can have become so, and what waits for a DHCP server that stands here now.
    """
    dhcps = [piece for piece in arrived if piece.startswith("dhcp:")]
    waiting = list({row.pk: row for row in [*_unready(host), *_unready_with(dhcps)]}.values())
    if not waiting:
        return
    met = _met({piece for row in waiting for piece in row.needs})
    ready = [row for row in waiting if all(_is_met(row.host, p, n, met) for p, n in row.needs.items())]
    if not ready:
        return
    HostPiece.objects.filter(pk__in=[row.pk for row in ready]).update(is_ready=True)
    ids = [row.piece.removeprefix("port:") for row in ready]
    now_up = Port.objects.filter(pk__in=ids).exclude(status=states.ACTIVE)
    for port, project in list(now_up.values_list("id", "project_id")):
        announce("port", port, project)
    now_up.update(status=states.ACTIVE)
    for port in ids:
        operations.wake("port", port)


Met = dict[str, dict[str, int]]


def _met(pieces: set[str]) -> Met:
    """{piece: {host that must have it: count of changes it has reported}}."""
    found: Met = {}
    for piece, host, count in _reported(pieces):
        found.setdefault(piece, {})[host] = count
    return found


def _is_met(host: str, piece: str, count: int, met: Met) -> bool:
    """Whether each change that a port waits for was reported: of DHCP by all hosts that serve it now, else by its own host.

    A spec that no host is to have any more is met.
    """
    on = met.get(piece, {})
    if piece.startswith("dhcp:"):
        return all(have >= count for have in on.values())
    return host not in on or on[host] >= count


_changes = Prepared(lambda piece: Change.objects.filter(piece=piece).values("id")[:1])
_wanted_on = Prepared(lambda host, piece: HostPiece.objects.filter(host=host, piece=piece).exclude(wanted=""))


def in_sync(host: str, port_ids: list[str]) -> bool | FailureBody | None:
    """Whether these ports are plugged on a host, with all that they need: True, the failure {code, data} that prevents it, or None: not yet."""
    pieces = [f"port:{port}" for port in port_ids]
    if any(_changes(piece) for piece in pieces):
        return None
    rows = [row for piece in pieces for row in _wanted_on(host, piece)]
    if len(rows) == len(set(pieces)) and all(row.is_ready for row in rows):
        return True
    needed = {piece for row in rows for piece in row.needs}
    own = [piece for piece in needed if not piece.startswith("dhcp:")]
    failures = HostPiece.objects.filter(host=host, piece__in=own).exclude(failure=None)
    failed = failures.first() or (
        HostPiece.objects.filter(piece__in=needed - set(own)).exclude(failure=None).exclude(wanted="").first()
    )
    return failed.failure if failed is not None else None
