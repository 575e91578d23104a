"""Hosts that nothing can be asked of now: no step waits for one until its deadline.

This app knows no hosts: `hosts` says which are down, and when one goes down.
"""

from collections.abc import Callable

from django.db import transaction

from common.clock import now
from operations import wakeups
from operations.models import LIVE, Operation, OperationStep

_is_lost: Callable[[str], bool] = lambda host: False  # noqa: E731


def use(is_lost: Callable[[str], bool]) -> None:
    """Set by `hosts`: whether a host is down."""
    global _is_lost
    _is_lost = is_lost


def is_lost(host: str) -> bool:
    return bool(host) and _is_lost(host)


def on_lost(host: str) -> None:
    """Run every step that waits for a host that went down: it ends. In the caller's transaction."""
    waiting = OperationStep.objects.filter(host=host, finished_at=None).values("operation_id")
    ids = list(
        Operation.objects.select_for_update()
        .filter(id__in=waiting, state__in=LIVE)
        .order_by("id")
        .values_list("id", flat=True)
    )
    if ids:
        Operation.objects.filter(id__in=ids).update(wake_at=now())
        transaction.on_commit(lambda: wakeups.notify_all(ids), robust=True)
