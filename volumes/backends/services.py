"""What hosts say of their backends, and what is promised on each."""

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Invalid, NotFound
from hosts.models import Host
from volumes.backends import states
from volumes.backends.models import Backend
from volumes.volumes.models import Volume


class BackendNotFound(NotFound):
    template = _("Volume backend %(id)s could not be found.")


class ReasonMissing(Invalid):
    template = _("Missing required element 'disabled_reason' in request body.")


def on_inventory(host: Host) -> None:
    """Write the backends that a host tells of, in the caller's transaction. One that it tells of no more stays while volumes lie there."""
    facts = host.inventory.get("backends") or {}
    told = {one["name"]: one for one in host.driver_instances if one["kind"] == "volume"}
    known = {row.name: row for row in Backend.objects.select_for_update().filter(host=host.name)}
    for name, instance in told.items():
        room = facts.get(name) or {}
        values = {
            "driver": instance["driver"],
            "capabilities": list(instance["capabilities"]),
            "total_gib": int(room.get("total_gib", 0)),
            "free_gib": int(room.get("free_gib", 0)),
            "is_told": True,
        }
        row = known.get(name)
        if row is None:
            Backend.objects.create(host=host.name, name=name, **values)
        elif any(getattr(row, column) != value for column, value in values.items()):
            Backend.objects.filter(pk=row.pk).update(**values, updated_at=now())
    for name in known.keys() - told.keys():
        _leave(known[name])


def _leave(row: Backend) -> None:
    if Volume.objects.filter(host=row.host, backend=row.name).exists():
        Backend.objects.filter(pk=row.pk).update(is_told=False, updated_at=now())
    else:
        row.delete()


def promised() -> dict[tuple[str, str], int]:
    """Sum up the GiB of all volumes of each backend: (host, backend) → GiB. One query."""
    rows = Volume.objects.exclude(host="").order_by().values("host", "backend").annotate(size=Sum("size"))
    return {(row["host"], row["backend"]): int(row["size"]) for row in rows}


@transaction.atomic
def switch(actor: RequestContext, service: str, verb: str, *, reason: str = "") -> Backend:
    """Allow or forbid new volumes on a backend, host@name. Raises: Forbidden, BackendNotFound, ReasonMissing."""
    policy.require(actor, "volume_extension:services:update")
    host, _sep, name = service.partition("@")
    row = Backend.objects.select_for_update().filter(host=host, name=name).first()
    if row is None or verb not in states.VERBS:
        raise BackendNotFound(id=service)
    if verb == "disable-log-reason" and not reason.strip():
        raise ReasonMissing()
    row.enabled = states.VERBS[verb]
    row.disabled_reason, row.updated_at = "" if row.enabled else reason, now()
    row.save(update_fields=["enabled", "disabled_reason", "updated_at"])
    return row
