"""Starting operations, taking their holds, and waking those that wait."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from common import errors
from common.actor import Actor
from common.clock import now
from operations import doorbell
from operations.flows import Flow
from operations.models import LIVE, Hold, Operation, Waiter


class Held(errors.Conflict):
    template = _("%(key)s is busy with %(action)s since %(since)s. Wait until that is done.")


def start(
    flow: Flow,
    *,
    subject: tuple[str, str],
    project_id: str | None,
    actor: Actor,
    holds: Iterable[str] = (),
    data: dict[str, Any] | None = None,
    action: str = "",
    delay: float = 0.0,
) -> Operation:
    """Write an operation with its holds, in the caller's transaction; it begins after commit (`delay` seconds later).

    Raises: Held when another operation has one of the holds.
    """
    assert connection.in_atomic_block, "operations.start belongs inside the transaction that states the intent"
    row = Operation(
        flow=flow.name,
        version=flow.version,
        subject_kind=subject[0],
        subject_id=subject[1],
        project_id=project_id,
        user_id=actor.user_id,
        user_name=actor.user_name,
        request_id=actor.request_id,
        action=action or flow.name.rpartition(".")[2],
        data=data or {},
        wake_at=now() + timedelta(seconds=delay),
    )
    row.save(force_insert=True)
    for key in sorted(set(holds)):
        take(row, key)
    if not delay:
        transaction.on_commit(lambda: doorbell.ring(row.id), robust=True)
    return row


def take(row: Operation, key: str) -> None:
    """Take one more hold for an operation. Raises: Held."""
    try:
        with transaction.atomic():
            Hold(key=key, operation=row).save(force_insert=True)
    except IntegrityError:
        holder = Hold.objects.select_related("operation").filter(key=key).first()
        if holder is not None and holder.operation_id == row.id:
            return
        other = holder.operation if holder else None
        raise Held(
            key=key,
            action=other.action if other else "another operation",
            since=other.created_at.isoformat(timespec="seconds") if other else "",
        ) from None


def wake(kind: str, key: str) -> None:
    """Something about `kind` `key` changed: operations that wait for it run again, after commit."""
    ids = list(Waiter.objects.filter(kind=kind, key=key).values_list("operation_id", flat=True).distinct())
    if ids:
        Operation.objects.filter(id__in=ids, state__in=LIVE).update(wake_at=now())
        transaction.on_commit(lambda: doorbell.ring_all(ids), robust=True)
