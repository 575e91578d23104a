"""What is no change of a row and is recorded all the same: sign-ins, consoles, ends of long verbs, and refusals."""

import hashlib
import hmac
import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TypedDict, Unpack

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.http import HttpRequest

from audit import cadf, context, registry
from audit.models import Event
from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, Forbidden
from common.ids import new_ordered_id
from hostagent.contract import inet

log = logging.getLogger(__name__)

MINUTE = 60_000  # milliseconds
#: Different refusals of one source, and of all, that a minute has lines of their own for; the rest share one line.
OF_SOURCE, OF_ALL = 20, 300
SIGN_IN = "sign-in"  # in Context.told
#: How often a minute one user's like sign-ins have a record each.
OFTEN = 30


class More(TypedDict, total=False):
    """What else cadf.event is told."""

    kind: str
    actor: RequestContext | None
    project_id: str
    domain_id: str
    operation_id: str
    reason: Mapping[str, object] | None
    before: dict[str, object] | None
    after: dict[str, object] | None
    methods: tuple[str, ...]


def record(action: str, *, target: cadf.Target, outcome: str = cadf.SUCCESS, **more: Unpack[More]) -> None:
    """Write one record in the transaction that is open (else in its own). `more` as cadf.event."""
    Event.objects.write([_event(action, target, outcome, **more)])


def by_command(
    command: str, action: str, *, target: cadf.Target, outcome: str = cadf.SUCCESS, **more: Unpack[More]
) -> None:
    """Record what an operator's manage.py command did, where that is no change of a row that is recorded."""
    with context.operating(command):
        record(action, target=target, outcome=outcome, **more)


def _event(action: str, target: cadf.Target, outcome: str, **more: Unpack[More]) -> Event:
    """With the domain of its project, where that is not said."""
    row = cadf.event(action, target=target, context=context.current(), outcome=outcome, **more)
    if row.project_id and not row.domain_id:
        row.domain_id = registry.domains_of([row.project_id]).get(row.project_id, "")
    return row


def frequent(action: str, *, target: cadf.Target, outcome: str = cadf.SUCCESS, **more: Unpack[More]) -> None:
    """Record what a script does again and again: beyond OFTEN a minute, like ones are counted in one record."""
    row = _event(action, target, outcome, **more)
    if _often.take(_minute(), _key(row)):
        Event.objects.write([row])
    else:
        count(row)


def refused(action: str, *, target: cadf.Target, source: str = "", **more: Unpack[More]) -> None:
    """Record a refusal once the request is over, when its transaction is taken back. Like ones of a minute are counted in one.

    `source` is the address where there is no request that tells it.
    """
    current = context.current()
    about = current or context.Context(address=source)
    row = cadf.event(action, target=target, context=about, outcome=cadf.FAILURE, **more)
    if current is None:
        count(row)
    else:
        current.afterwards.append(row)


_VERBS = {"GET": "read", "HEAD": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_PART = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")


def denied(request: HttpRequest, error: CloudError, status: int) -> None:
    """Record that a request was forbidden, or that a thing of another project was kept from it, when that is the answer."""
    rule = str(error.data.get("rule") or error.denies)
    current = context.current()
    if not (rule or isinstance(error, Forbidden)) or current is None or SIGN_IN in current.told:
        return
    actor = current.actor
    refused(
        _VERBS.get(request.method or "", "unknown"),
        target=_aim(request.path),
        reason={"reasonType": "HTTP", "reasonCode": str(status), "policyType": "oslo.policy", "policyId": rule},
        project_id=(actor.project_id or "") if actor else "",
        domain_id=(actor.domain_id or actor.project_domain_id) if actor else "",
    )


def _aim(path: str) -> cadf.Target:
    """(type, id, "") of what an address leads to: /api/compute/v2.1/servers/<id>/action, or a page's /instances/<id>."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        service, rest = parts[1] if len(parts) > 1 else "", parts[3:]
    else:
        service, rest = "portal", parts
    known = [part if _PART.match(part) else "" for part in (service, *rest[:2])]
    kind = "/".join(filter(None, ("service", *known[:2])))
    return kind[:64], known[2] if len(known) > 2 else "", ""


def ended(operation_id: str, request_id: str, *, outcome: str, reason: str = "") -> None:
    """Record the end of a verb that takes time, in the transaction that ends it. Nothing for the cloud's own verbs."""
    if not request_id:
        return
    of = Event.objects.exclude(operation_id="")  # as the index says: without it a database reads all records there are
    begun = of.filter(operation_id=operation_id, outcome=cadf.PENDING).first()
    if begun is None:
        return
    body = {name: value for name, value in begun.body.items() if name not in ("before", "after")}
    if reason:
        body["reason"] = {"reasonType": "operation", "reasonCode": reason}
    begun.id, begun.event_time, begun.outcome, begun.body = new_ordered_id(), now(), outcome, body
    Event.objects.write([begun])


def close(done: context.Context) -> None:
    """Write what waited for the end of a request. A database that refuses costs the record, not the answer; it is logged."""
    rows: list[Event] = []
    for row in done.afterwards:
        if all(_key(row) != _key(other) for other in rows):
            rows.append(row)
    try:
        for row in rows:
            count(row)
    except DatabaseError as error:
        log.error("audit: %d refusals of %s were not recorded: %s", len(rows), done.request_id, error)


# ── Refusals, counted by the minute ─────────────────────────────────────────────────────────────────────────────────


def count(row: Event) -> None:
    """Count one more of its kind in this minute: a row's id tells minute and kind, so whoever counts finds the same row."""
    minute = _minute()
    key = _seen.place(minute, _network(row.address), _key(row))
    if key[0] != "one":
        _forget_who(row, key)
    row.id = new_ordered_id(minute, int.from_bytes(_hash("\0".join(key))[:10], "big"))
    with transaction.atomic():
        if not Event.objects.filter(pk=row.id).update(count=F("count") + 1):
            Event.objects.bulk_create([row], ignore_conflicts=True)


def _minute() -> int:
    return time.time_ns() // 1_000_000 // MINUTE * MINUTE


def _key(row: Event) -> tuple[str, ...]:
    reason = row.body.get("reason") or {}
    credential = row.body.get("credential") or {}
    who = (row.initiator_id, row.project_id, _network(row.address))
    what = (
        row.action,
        row.target_type,
        row.target_id,
        str(reason.get("policyId", "")),
        str(credential.get("methods", "")),
    )
    return ("one", *who, *what)


def _forget_who(row: Event, key: tuple[str, ...]) -> None:
    """A line for many: what differs between them is not said."""
    row.initiator_id = row.initiator_name = row.target_id = row.target_name = ""
    row.project_id = row.domain_id = row.request_id = ""
    row.body = {name: value for name, value in row.body.items() if name in ("eventType", "reason")}
    if key[0] == "all":
        row.address = ""


def _hash(text: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"audit\0{text}".encode(), hashlib.sha256).digest()


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, of which a client has as many as it likes."""
    try:
        found = inet.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(inet.ip_network(f"{found}/64", strict=False))


class _Seen:
    """What this process counted in the present minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._keys: set[tuple[str, ...]] = set()
        self._of: defaultdict[str, int] = defaultdict(int)

    def place(self, minute: int, source: str, key: tuple[str, ...]) -> tuple[str, ...]:
        """The key under which a refusal is counted: its own, its source's, or that of all."""
        with self._lock:
            if minute != self._minute:
                self._minute, self._keys = minute, set()
                self._of.clear()
            if key in self._keys:
                return key
            if len(self._keys) >= OF_ALL:
                return ("all",)
            if self._of[source] >= OF_SOURCE:
                key = ("source", source)
            else:
                self._of[source] += 1
            self._keys.add(key)
            return key


class _Often:
    """How often something was done in the present minute, as far as this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def take(self, minute: int, key: tuple[str, ...]) -> bool:
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._counts.clear()
            self._counts[key] += 1
            return self._counts[key] <= OFTEN


_seen, _often = _Seen(), _Often()
