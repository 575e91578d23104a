"""Enrolling hosts, hearing them, sending to them."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from common import errors
from common.clock import now
from common.live import announce
from common.prepared import Prepared
from hostagent.contract import Verb
from hostagent.contract.messages import VERSION
from hostagent.process import keyfile
from hostagent.process.keyfile import keys_in
from hosts import states
from hosts.models import Host
from hosts.states import DOWN_AFTER, USABLE, HostState
from operations import arrivals, lost, rpc

OnState = Callable[[str, str], None]
OnHost = Callable[[Host], None]
Body = TypeVar("Body")
_on_state: list[OnState] = []
_on_inventory: list[OnHost] = []
_on_hello: list[OnHost] = []
LINE_SECONDS = 1.0  # for which what is known of a host's line is believed


class HostUnknown(errors.NotFound):
    template = _("Host %(name)s could not be found.")


def on_state(fn: OnState) -> None:
    """`fn(host_name, state)` runs in the transaction that changes a host's state."""
    _on_state.append(fn)


def on_inventory(fn: OnHost) -> None:
    """`fn(host)` runs in the transaction that stores a changed inventory."""
    _on_inventory.append(fn)


def on_hello(fn: OnHost) -> None:
    """`fn(host)` runs in the transaction that notes a new boot id."""
    _on_hello.append(fn)


def tell_inventory(host: Host) -> None:
    """Call the handlers of `on_inventory` for a changed inventory, in the caller's transaction."""
    for fn in _on_inventory:
        fn(host)


def tell_hello(host: Host) -> None:
    """Call the handlers of `on_hello` for a restarted agent, in the caller's transaction."""
    for fn in _on_hello:
        fn(host)


# ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def key_path(name: str) -> Path:
    return Path(settings.KEYS) / "hosts" / f"{name}.key"


_keys: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {}


def _keys_of(name: str) -> tuple[str, ...]:
    """A host's keys, read again when their file changes; () for a host that was never enrolled."""
    if not name or "/" in name or name.startswith("."):
        return ()
    path = key_path(name)
    try:
        facts = path.stat()
    except FileNotFoundError:
        return ()
    stamp, known = (facts.st_mtime_ns, facts.st_ino), _keys.get(name)
    if known is None or known[0] != stamp:
        known = _keys[name] = (stamp, keys_in(path.read_text()))
    return known[1]


def key_of(name: str) -> str | None:
    """Return the key (hex) that signs messages of a host; None for a host that was never enrolled."""
    return next(iter(_keys_of(name)), None)


def other_keys_of(name: str) -> tuple[str, ...]:
    """Further keys that a host may sign with while its key is rotated."""
    return _keys_of(name)[1:]


def make_key(name: str) -> Path:
    """Make (or replace) a host's key, readable by its owner only."""
    path = key_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    keyfile.write(path, secrets.token_hex(32) + "\n")
    return path


# ── The line to an agent ────────────────────────────────────────────────────────────────────────────────────────────

_line_rows = Prepared(lambda name: Host.objects.filter(name=name).values_list("speaks", "state", "last_seen_at"))
_lines: dict[str, tuple[float, rpc.Line]] = {}
_carriers: tuple[float, frozenset[str]] = (0.0, frozenset())


def line_of(name: str) -> rpc.Line:
    """Read the contract version that a host speaks and whether it is down: so marked, and silent for DOWN_AFTER s.

    Cached for LINE_SECONDS.
    """
    known = _lines.get(name)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    row = _line_rows.first(name)
    if row is None:
        return rpc.Line(1, False)
    speaks, state, seen = row
    silent = seen is None or (now() - seen).total_seconds() >= DOWN_AFTER
    line = rpc.Line(speaks, states.is_down(state) and silent)
    _lines[name] = (time.monotonic() + LINE_SECONDS, line)
    return line


def forget_line(name: str) -> None:
    """Forget what is known of a host's line, now and once the transaction is over: it changed."""
    _lines.pop(name, None)
    transaction.on_commit(lambda: _lines.pop(name, None))


def version_spoken(body: dict[str, object]) -> int:
    """Return the newest version of the contract that an agent and we both speak, from its hello or heartbeat."""
    speaks = body.get("speaks")
    return min(speaks, VERSION) if isinstance(speaks, int) and speaks > 0 else 1


def others_of(name: str) -> bool:
    """Whether another host could take this one's routers, now or once it is back: any that may carry them and was heard."""
    global _carriers
    if _carriers[0] < time.monotonic():
        rows = Host.objects.exclude(state=HostState.NEW).values_list("name", "roles", "fake")
        able = [(host, fake) for host, roles, fake in rows if "network" in roles]
        real = [host for host, fake in able if not fake]
        _carriers = time.monotonic() + LINE_SECONDS, frozenset(real or [host for host, _fake in able])
    return len(_carriers[1]) > (name in _carriers[1])


def welcome(name: str, challenge: object = None) -> None:
    """Send an agent of version 2 whether other hosts can carry its routers, and with its challenge the time."""
    facts = {"challenge": challenge} if isinstance(challenge, str) and challenge else {}
    rpc.welcome(name, {**facts, "others": others_of(name)})


def answer_heartbeat(name: str, body: dict[str, object]) -> None:
    """Welcome an agent whose heartbeat carries a challenge, or is wrong about other hosts that could carry its routers."""
    if "challenge" in body:
        if version_spoken(body) > 1:
            Host.objects.filter(name=name).exclude(speaks=version_spoken(body)).update(speaks=version_spoken(body))
            forget_line(name)
            welcome(name, body["challenge"])
    elif "others" in body and body["others"] is not others_of(name):
        welcome(name)


def floors_of(name: str) -> arrivals.Floors:
    """Read the newest number of each stream of a host's reports: stream → number, as last written."""
    text = Host.objects.filter(name=name).values_list("heard", flat=True).first() or ""
    return {stream: int(number) for stream, _, number in (part.partition("=") for part in text.split()) if number}


def written(floors: arrivals.Floors) -> str:
    """Format stream numbers as the text in a host's row, which floors_of reads."""
    return " ".join(f"{stream}={number}" for stream, number in floors.items() if number)


# ── Enrolment ───────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def enrol(name: str, *, roles: list[str], fake: bool = False) -> Host:
    """Create the row and the key of a host, where it has none yet."""
    if not key_path(name).exists():
        make_key(name)
    host = Host.objects.filter(name=name).first()
    if host is None:
        number = (Host.objects.aggregate(top=models.Max("number"))["top"] or 0) + 1
        host = Host.objects.create(name=name, number=number, roles=roles, fake=fake)
    return host


def wanted_names() -> tuple[list[str], list[str]]:
    """Return the names of the real and of the fake hosts that STACKLING_HOSTS and STACKLING_FAKE_HOSTS ask for."""
    real = int(os.environ.get("STACKLING_HOSTS") or 1)
    fake = int(os.environ.get("STACKLING_FAKE_HOSTS") or 0)
    return [f"host{n}" for n in range(1, real + 1)], [f"fake{n}" for n in range(1, fake + 1)]


def seed() -> str | None:
    """Enrol the hosts of this machine."""
    real, fake = wanted_names()
    have = set(Host.objects.values_list("name", flat=True))
    for name in real:
        enrol(
            name,
            roles=["control", "network", "compute", "storage"]
            if name == "host1"
            else ["network", "compute", "storage"],
        )
    for name in fake:
        enrol(name, roles=["network", "compute", "storage"], fake=True)
    made = [name for name in real + fake if name not in have]
    return ", ".join(made) or None


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def alive() -> models.QuerySet[Host]:
    """Hosts that may be chosen for something new."""
    return Host.objects.filter(state__in=USABLE, enabled=True, forced_down=False, estranged=False)


_down = Prepared(lambda name: Host.objects.filter(name=name, state=HostState.DOWN).values_list("name"))


def is_down(name: str) -> bool:
    """Whether a host is down, so that nothing can be cast to it."""
    return _down.first(name) is not None


def end_waiting(name: str, state: str) -> None:
    """End the operations' waits for a host that has gone down."""
    if states.is_down(state):
        lost.on_lost(name)


def find(name: str) -> Host:
    """Find a host by its name. Raises: HostUnknown."""
    host = Host.objects.filter(name=name).first()
    if host is None:
        raise HostUnknown(name=name)
    return host


def send(
    name: str, verb: Verb[Body, Any], body: Body, *, subject: str = "", generation: int = 0, deadline: float = 60
) -> None:
    """Cast a verb outside of any operation, after commit. No reply is awaited: the caller must notice its loss."""
    message: rpc.Cast = {
        "verb": verb.name,
        "operation": "",
        "step": "",
        "flow": "",
        "subject": subject or f"host:{name}",
        "generation": generation,
        "deadline": deadline,
        "turn": time.time(),
        "body": body,
    }
    transaction.on_commit(lambda: rpc.cast(name, message), robust=True)


# ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def change_state(host: Host, state: str) -> None:
    """Write a host's new state and call the handlers of `on_state`, in the caller's transaction."""
    if host.state == state:
        return
    host.state, host.state_changed_at, host.updated_at = state, now(), now()
    host.save(update_fields=["state", "state_changed_at", "updated_at"])
    forget_line(host.name)
    announce("host", host.name)
    for fn in _on_state:
        fn(host.name, state)


@transaction.atomic
def set_enabled(name: str, *, enabled: bool, reason: str = "") -> Host:
    """Allow or forbid new work on a host. Raises: HostUnknown."""
    host = find(name)
    host.enabled, host.disabled_reason, host.updated_at = enabled, "" if enabled else reason, now()
    host.save(update_fields=["enabled", "disabled_reason", "updated_at"])
    announce("host", name)
    return host


@transaction.atomic
def set_forced_down(name: str, *, forced_down: bool) -> Host:
    """Force a host to count as down whatever it reports, or end that. Raises: HostUnknown."""
    host = find(name)
    host.forced_down, host.updated_at = forced_down, now()
    host.save(update_fields=["forced_down", "updated_at"])
    announce("host", name)
    return host
