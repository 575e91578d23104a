"""Whether this database is as new as what the hosts last saw: where an older copy was put back, nothing there is touched.

Each start of the cloud begins a *life* (a random token, one row); its count grows, at most once a minute, before a cast
leaves. Every cast carries both, and a host remembers the newest beside its disks and says so with each heartbeat. A
database that descends from what the host saw has that life among its rows, with a count at least as high. One that does
not is an older copy, or another database: until an operator decides (`manage.py setaside`), nothing is cast to that
host, nothing new is placed there, and what it has runs on.
"""

import logging
import secrets
import threading
import time
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import Unavailable
from common.live import announce
from hostagent.contract import Verb
from hostagent.contract.host import HOST_RECOGNISE, Cloud, Recognise
from hosts.models import Host, HostDebt, Life
from hosts.services import send

log = logging.getLogger(__name__)

RAISE_EVERY = 60.0  # seconds between two raises of the count
TRUSTED = 5.0  # seconds for which a process remembers what it read of the lives
REMEMBERED = 30.0  # and that a host is recognised: whoever finds that it is not forgets it at once


class HostEstranged(Unavailable):
    template = _(
        "Host %(host)s has served a newer database than this one, or another one. Nothing is changed there until an operator"
        " decides; `manage.py doctor` says how."
    )


def begin() -> str | None:
    """Write a new life of this database. Called at each start of the cloud."""
    first = Life.objects.order_by("begun_at").first()
    Life.objects.create(life=secrets.token_hex(8), cloud=first.cloud if first else secrets.token_hex(8))
    return None


_known: dict[str, Any] = {"until": 0.0, "raised": 0.0, "told": None}
_lock = threading.Lock()
_recognised: dict[str, tuple[str, float]] = {}
_found: dict[
    str, tuple[Cloud | None, str]
] = {}  # host → what it told last, and the life in which that was found to be well


def forget() -> None:
    """Forget what this process has read, so that it is read again."""
    _known.update(until=0.0, raised=0.0, told=None)
    _recognised.clear()
    _found.clear()


def current() -> Cloud:
    """Read the newest life, as casts carry it. Cached for TRUSTED seconds."""
    moment = time.monotonic()
    if _known["told"] is None or moment > _known["until"]:
        row = Life.objects.order_by("-begun_at").first()
        if row is None:
            begin()
            row = Life.objects.order_by("-begun_at").first()
        assert row is not None
        told = Cloud(id=row.cloud, life=row.life, count=row.count)
        with _lock:
            had = _known["told"]
            if had and had["life"] == row.life and had["count"] > row.count and moment - _known["raised"] < TRUSTED:
                told = had  # read within a transaction that began before the count was raised
            _known.update(told=told, until=moment + TRUSTED)
    return _known["told"]  # type: ignore[no-any-return]


def stamp(host: str, verb: Verb[object, object]) -> Cloud | None:
    """Return the stamp of this database on a cast to `host`, its count raised; None if the cast must not be sent."""
    if verb.of_any_cloud:
        return current()
    if not is_recognised(host):
        return None
    told = current()
    moment = time.monotonic()
    if moment - _known["raised"] >= RAISE_EVERY or not _known["raised"]:
        Life.objects.filter(life=told["life"]).update(count=F("count") + 1)
        _known.update(raised=moment, until=0.0)
        told = current()
    return told


def before_copy() -> Cloud:
    """Raise the count and return the stamp from before. Casts sent TRUSTED seconds from now on have a higher count.

    So a copy of the database that is made then, and put back with this count, is an older one for each host to which was cast
    anything after it.
    """
    forget()
    told = current()
    Life.objects.filter(life=told["life"]).update(count=F("count") + 1)
    forget()
    return told


def is_recognised(host: str) -> bool:
    """Whether what the host last saw lies behind this database."""
    life, moment = current()["life"], time.monotonic()
    known = _recognised.get(host)
    if known is None or known[0] != life or moment > known[1]:
        found = Host.objects.filter(name=host).values_list("recognised", flat=True).first()
        if found != life:
            return False
        _recognised[host] = (life, moment + REMEMBERED)
    return True


def refusal(host: str, verb: Verb[object, object]) -> HostEstranged | None:
    """Why an operation may not ask this of a host; None where it may."""
    if verb.of_any_cloud or not Host.objects.filter(name=host, estranged=True).exists():
        return None
    return HostEstranged(host=host)


# ── What hosts say ──────────────────────────────────────────────────────────────────────────────────────────────────


def heard(name: str, body: dict[str, object]) -> None:
    """Compare the stamp in a hello or a heartbeat, the last that the host saw, with the lives of this database.

    Costs no query while the host says the same as before. Agents that say nothing are believed: they are older than this.
    """
    told, life = _cloud(body.get("cloud")), current()["life"]
    if body.get("cloud") and told is None:
        log.warning("%s says of its database what is no such thing", name)
        return
    if is_recognised(name) and (not told or _found.get(name) == (told, life)):
        return
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None:
            return
        if not told and host.estranged:
            return
        if told and told == host.accepted:
            send(name, HOST_RECOGNISE, Recognise(cloud=current()))  # until it says so
        elif told and not _descends(told):
            if not host.estranged:
                _estrange(host, told)
            return
        else:
            _found[name] = (told, life)
        if host.recognised != life or host.estranged:
            host.recognised, host.estranged = life, False
            host.save(update_fields=["recognised", "estranged"])
            announce("host", name)


def _cloud(said: object) -> Cloud | None:
    """Parse a stamp from a host's report, without further keys; None if it is not one."""
    if not isinstance(said, dict):
        return None
    id, life, count = said.get("id"), said.get("life"), said.get("count")
    if isinstance(id, str) and isinstance(life, str) and type(count) is int:
        return Cloud(id=id, life=life, count=count)
    return None


def _descends(told: Cloud) -> bool:
    return Life.objects.filter(cloud=told["id"], life=told["life"], count__gte=told["count"]).exists()


def _estrange(host: Host, told: Cloud) -> None:
    other = told["id"] != current()["id"]
    log.error(
        "%s has served %s than this one: nothing is changed there until an operator decides (manage.py doctor says how)",
        host.name,
        "another database" if other else "a newer database",
    )
    host.estranged, host.recognised, host.told = True, "", told
    host.save(update_fields=["estranged", "recognised", "told"])
    _recognised.pop(host.name, None)
    _found.pop(host.name, None)
    announce("host", host.name)


def accept(host: Host) -> None:
    """Accept, at an operator's word, that this database counts for the host from now on. In the caller's transaction.

    What the host owed by an older database is void: what it would remove may be something else by now, and with this word the
    agent forgets what it acted on since. Whatever is left of it there is in no row, and an operator is asked.
    """
    for debt in HostDebt.objects.filter(host=host.name):
        log.warning("%s owes %s of %s no more: an older database said so", host.name, debt.kind, debt.key)
        debt.delete()
    host.accepted, host.estranged, host.recognised = host.told, False, current()["life"]
    host.save(update_fields=["accepted", "estranged", "recognised"])
    send(host.name, HOST_RECOGNISE, Recognise(cloud=current()))
    announce("host", host.name)
