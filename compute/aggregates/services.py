"""Read, create, change and delete aggregates and the availability zones made of them."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, NotFound
from common.numbers import is_whole
from compute.aggregates.models import Aggregate, AggregateHost
from compute.hypervisors.reading import is_up
from compute.servers.create.scheduling import DEFAULT_ZONE, zone_names
from compute.servers.models import Server
from hosts.models import Host
from placement.models import ProviderAggregate, ResourceProvider

ZONE = "availability_zone"


class AggregateNotFound(NotFound):
    template = _("Aggregate %(id)s could not be found.")


class AggregateExists(Conflict):
    template = _("Aggregate %(name)s already exists.")


class AggregateInUse(Conflict):
    template = _("Cannot delete aggregate %(id)s: it still has hosts. Remove them first.")


class HostNotFound(NotFound):
    template = _("Compute host %(name)s could not be found.")


class HostAlreadyIn(Conflict):
    template = _("Cannot add host %(name)s in aggregate %(id)s: it is already in it.")


class HostNotIn(NotFound):
    template = _("Cannot remove host %(name)s in aggregate %(id)s: it is not in it.")


class OtherZone(Conflict):
    template = _("Cannot put host %(name)s into zone %(zone)s: it is in zone %(other)s already.")


class ZoneInUse(Conflict):
    template = _("The zone of host %(name)s cannot change while instances are on it.")


class ZoneOfServers(Conflict):
    template = _(
        "The availability zone of host %(name)s would change from %(old)s to %(new)s while servers are on it. "
        "Delete or shelve them first."
    )


_RULES = {
    verb: f"os_compute_api:os-aggregates:{verb}"
    for verb in ("show", "create", "update", "delete", "add_host", "remove_host", "set_metadata")
}


def find(actor: RequestContext, aggregate_id: str, verb: str = "show") -> Aggregate:
    """Find an aggregate. `verb`: key of _RULES. Raises: AggregateNotFound, Forbidden."""
    policy.require(actor, _RULES[verb])
    found = Aggregate.objects.filter(id=int(aggregate_id)).first() if is_whole(aggregate_id) else None
    if found is None:
        raise AggregateNotFound(id=aggregate_id)
    return found


@transaction.atomic
def create(actor: RequestContext, *, name: str, zone: str | None) -> Aggregate:
    """Create an aggregate, in a zone if `zone` is given. Raises: AggregateExists."""
    policy.require(actor, _RULES["create"])
    try:
        with transaction.atomic():
            return Aggregate.objects.create(name=name, metadata={ZONE: zone} if zone else {})
    except IntegrityError:
        raise AggregateExists(name=name) from None


@transaction.atomic
def update(actor: RequestContext, *, aggregate_id: str, name: str | None, **zone: str | None) -> Aggregate:
    """Change the name of an aggregate, its zone, or both. Raises: AggregateExists, ZoneInUse."""
    aggregate = find(actor, aggregate_id, "update")
    if name is not None and Aggregate.objects.filter(name=name).exclude(id=aggregate.id).exists():
        raise AggregateExists(name=name)
    aggregate.name = name or aggregate.name
    if zone:
        _change_zone(aggregate, zone["zone"])
    return _save(aggregate)


def _save(aggregate: Aggregate) -> Aggregate:
    aggregate.updated_at = now()
    aggregate.save()
    return aggregate


def _change_zone(aggregate: Aggregate, zone: str | None) -> None:
    """Set or remove the zone of an unsaved aggregate. Raises: ZoneInUse, OtherZone."""
    if zone == aggregate.metadata.get(ZONE):
        return
    for host in aggregate.hosts.values_list("host", flat=True):
        if Server.objects.living().filter(host=host).exists():
            raise ZoneInUse(name=host)
        if zone:
            _check_one_zone(aggregate, host, zone)
    metadata = {key: value for key, value in aggregate.metadata.items() if key != ZONE}
    aggregate.metadata = {**metadata, ZONE: zone} if zone else metadata


def _check_one_zone(aggregate: Aggregate, host: str, zone: str) -> None:
    others = AggregateHost.objects.filter(host=host).exclude(aggregate=aggregate)
    for metadata in others.values_list("aggregate__metadata", flat=True):
        if metadata.get(ZONE) not in (None, zone):
            raise OtherZone(name=host, zone=zone, other=metadata[ZONE])


def _zone_without(aggregate: Aggregate, host: str) -> str:
    """Zone of a host by its other aggregates; DEFAULT_ZONE if none of them is a zone."""
    others = AggregateHost.objects.filter(host=host).exclude(aggregate=aggregate)
    found = (metadata.get(ZONE) for metadata in others.values_list("aggregate__metadata", flat=True))
    return next((str(zone) for zone in found if zone), DEFAULT_ZONE)


def _keep_zone(host: str, old: str, new: str) -> None:
    """Refuse to change the zone of a host with servers: they show the zone they were created in.

    Raises: ZoneOfServers.
    """
    if new != old and Server.objects.living().filter(host=host).exists():
        raise ZoneOfServers(name=host, old=old, new=new)


@transaction.atomic
def set_metadata(actor: RequestContext, *, aggregate_id: str, metadata: dict[str, str | None]) -> Aggregate:
    """Merge keys into the metadata of an aggregate; None removes a key. Raises: ZoneInUse, OtherZone."""
    aggregate = find(actor, aggregate_id, "set_metadata")
    if ZONE in metadata:
        _change_zone(aggregate, metadata[ZONE])
    merged: dict[str, object] = {**aggregate.metadata, **{k: v for k, v in metadata.items() if k != ZONE}}
    aggregate.metadata = {key: value for key, value in merged.items() if value is not None}
    return _save(aggregate)


@transaction.atomic
def add_host(actor: RequestContext, *, aggregate_id: str, host: str) -> Aggregate:
    """Add a host to an aggregate. Raises: HostNotFound, HostAlreadyIn, OtherZone, ZoneOfServers."""
    aggregate = find(actor, aggregate_id, "add_host")
    if not Host.objects.filter(name=host).exists():
        raise HostNotFound(name=host)
    zone = aggregate.metadata.get(ZONE)
    if zone:
        _check_one_zone(aggregate, host, zone)
    if AggregateHost.objects.filter(aggregate=aggregate, host=host).exists():
        raise HostAlreadyIn(name=host, id=aggregate.id)
    before = _zone_without(aggregate, host)
    _keep_zone(host, before, zone or before)
    AggregateHost.objects.create(aggregate=aggregate, host=host)
    provider = ResourceProvider.objects.filter(name=host).first()
    if provider is not None:
        ProviderAggregate.objects.get_or_create(provider=provider, aggregate_id=aggregate.uuid)
    return _save(aggregate)


@transaction.atomic
def remove_host(actor: RequestContext, *, aggregate_id: str, host: str) -> Aggregate:
    """Remove a host from an aggregate. Raises: HostNotFound, HostNotIn, ZoneOfServers."""
    aggregate = find(actor, aggregate_id, "remove_host")
    if not Host.objects.filter(name=host).exists():
        raise HostNotFound(name=host)
    if not AggregateHost.objects.filter(aggregate=aggregate, host=host).delete()[0]:
        raise HostNotIn(name=host, id=aggregate.id)
    without = _zone_without(aggregate, host)
    _keep_zone(host, aggregate.metadata.get(ZONE) or without, without)
    ProviderAggregate.objects.filter(provider__name=host, aggregate_id=aggregate.uuid).delete()
    return _save(aggregate)


@transaction.atomic
def delete(actor: RequestContext, *, aggregate_id: str) -> None:
    """Delete an aggregate. Raises: AggregateInUse while hosts are in it."""
    aggregate = find(actor, aggregate_id, "delete")
    if aggregate.hosts.exists():
        raise AggregateInUse(id=aggregate.id)
    aggregate.delete()


# ── Availability zones ──────────────────────────────────────────────────────────────────────────────────────────────


def zones() -> dict[str, list[Host]]:
    """Read each zone's compute hosts; the default zone is there even without any host."""
    hosts = list(Host.objects.order_by("name"))
    names = zone_names(host.name for host in hosts)
    out: dict[str, list[Host]] = {}
    for host in hosts:
        out.setdefault(names[host.name], []).append(host)
    return out or {DEFAULT_ZONE: []}


def is_usable(host: Host) -> bool:
    """Whether new instances may be placed on a host."""
    return host.enabled and is_up(host)
