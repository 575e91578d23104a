"""Enrolling hosts, hearing them, sending to them."""

import os
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common import errors
from common.clock import now
from common.live import announce
from hostagent.contract import http_seal
from hosts.models import Host
from hosts.states import DOWN_AFTER, UNREACHABLE_AFTER, USABLE, HostState
from operations import hostlink

OnState = Callable[[str, str], None]
OnHost = Callable[[Host], None]
_on_state: list[OnState] = []
_on_inventory: list[OnHost] = []
_on_hello: list[OnHost] = []
SKEW = 120.0  # seconds an agent's clock may be off


class HostUnknown(errors.NotFound):
    template = _("Host %(name)s could not be found.")


class AgentRefused(errors.Unauthorized):
    template = _("This request is not sealed by a host of this cloud.")


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
    """Whoever asked hears of a changed inventory. Runs inside the caller's transaction."""
    for fn in _on_inventory:
        fn(host)


def tell_hello(host: Host) -> None:
    """Whoever asked hears that an agent began anew. Runs inside the caller's transaction."""
    for fn in _on_hello:
        fn(host)


# ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def key_path(name: str) -> Path:
    return Path(settings.KEYS) / "hosts" / f"{name}.key"


_keys: dict[str, tuple[float, str]] = {}


def key_of(name: str) -> str | None:
    """A host's key in hex, or None for a host that was never enrolled. Read again when its file changes."""
    if not name or "/" in name or name.startswith("."):
        return None
    path = key_path(name)
    try:
        stamp = path.stat().st_mtime
    except FileNotFoundError:
        return None
    known = _keys.get(name)
    if known is None or known[0] != stamp:
        known = _keys[name] = (stamp, path.read_text().strip())
    return known[1]


def make_key(name: str) -> Path:
    """Make (or replace) a host's key, readable by its owner only."""
    path = key_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    path.with_suffix(".new").replace(path)
    return path


# ── Enrolment ───────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def enrol(name: str, *, roles: list[str], fake: bool = False) -> Host:
    """The row and the key of a host; what exists is left as it is."""
    if not key_path(name).exists():
        make_key(name)
    host = Host.objects.filter(name=name).first()
    if host is None:
        number = (Host.objects.aggregate(top=models.Max("number"))["top"] or 0) + 1
        host = Host.objects.create(name=name, number=number, roles=roles, fake=fake)
    return host


def wanted_names() -> tuple[list[str], list[str]]:
    """The names of the real and of the fake hosts that STACKLING_HOSTS and STACKLING_FAKE_HOSTS ask for."""
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


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def alive() -> models.QuerySet[Host]:
    """Hosts that may be chosen for something new."""
    return Host.objects.filter(state__in=USABLE, enabled=True, forced_down=False)


def find(name: str) -> Host:
    """Raises: HostUnknown."""
    host = Host.objects.filter(name=name).first()
    if host is None:
        raise HostUnknown(name=name)
    return host


def send(
    name: str, verb: str, body: dict[str, Any], *, subject: str = "", generation: int = 0, deadline: float = 60
) -> None:
    """Fire and forget: an order outside of any operation, sent after commit. Whoever sends must notice its loss."""
    order = {
        "verb": verb,
        "operation": "",
        "step": "",
        "flow": "",
        "subject": subject or f"host:{name}",
        "generation": generation,
        "deadline": deadline,
        "body": body,
    }
    transaction.on_commit(lambda: hostlink.send_order(name, order), robust=True)


def authenticate_agent(request: HttpRequest) -> Host:
    """The host whose key sealed an /internal/ request.

    Raises: AgentRefused.
    """
    name = request.META.get("HTTP_X_STACKLING_HOST", "")
    at = request.META.get("HTTP_X_STACKLING_TIME", "")
    key = key_of(name)
    try:
        fresh = abs(time.time() - float(at)) <= SKEW
    except ValueError:
        fresh = False
    sent = request.META.get("HTTP_X_STACKLING_SEAL", "")
    if key is None or not fresh:
        raise AgentRefused()
    want = http_seal(key, request.method or "", request.get_full_path(), at)
    if not secrets.compare_digest(sent.encode(), want.encode()):
        raise AgentRefused()
    host = Host.objects.filter(name=name).first()
    if host is None:
        raise AgentRefused()
    return host


# ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def change_state(host: Host, state: str) -> None:
    """Note a new state and tell who asked to know. Runs inside the caller's transaction."""
    if host.state == state:
        return
    host.state, host.state_changed_at, host.updated_at = state, now(), now()
    host.save(update_fields=["state", "state_changed_at", "updated_at"])
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
    """An operator's word that a host is down whatever it says. Raises: HostUnknown."""
    host = find(name)
    host.forced_down, host.updated_at = forced_down, now()
    host.save(update_fields=["forced_down", "updated_at"])
    announce("host", name)
    return host


def sweep() -> None:
    """Hosts that have fallen silent become unreachable, then down."""
    moment = now()
    silent = Host.objects.filter(last_seen_at__lt=moment - timedelta(seconds=UNREACHABLE_AFTER)).exclude(
        state=HostState.DOWN
    )
    for host in silent:
        silence = (moment - host.last_seen_at).total_seconds() if host.last_seen_at else DOWN_AFTER
        with transaction.atomic():
            change_state(host, HostState.DOWN if silence >= DOWN_AFTER else HostState.UNREACHABLE)
