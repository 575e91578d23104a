"""Claim, release and read. Every change locks the providers it touches, in the order of their names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.db.models import CharField, F, Sum
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict, NoCapacity, NotFound
from common.live import announce
from common.prepared import Prepared, PreparedMany
from placement import usage
from placement.models import Allocation, Consumer, Inventory, ProviderTrait, ResourceProvider, Usage, capacity


class NothingFits(NoCapacity):
    """None of the given providers has enough free capacity. `shortage` = {host: (class, need, have)}."""

    template = _("None of the hosts has room for this.")


class ProviderNotFound(NotFound):
    template = _("No resource provider with uuid %(id)s found")


class GenerationConflict(Conflict):
    wire_type = "placement.concurrent_update"
    formerly = ("placement.concurrent_update",)
    template = _("resource provider generation conflict")


@dataclass
class ProviderSummary:
    """A provider's capacity and what is allocated of it (class → amount, in the class's unit), and its traits.

    Traits are only filled by `summaries(with_traits=True)`.
    """

    provider_id: str
    name: str
    capacity: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()

    def free(self, resource_class: str) -> int:
        return self.capacity.get(resource_class, 0) - self.used.get(resource_class, 0)

    def shortage(self, resources: Mapping[str, int]) -> tuple[str, int, int] | None:
        """Return the first class that does not fit, as (class, need, have); None when all fit."""
        for name, need in resources.items():
            free = self.capacity.get(name, 0) - self.used.get(name, 0)
            if need > free:
                return name, need, max(0, free)
        return None


#: When it was made, as the database writes it: one that was removed and made again under its id counts from 0 anew.
_PROVIDER = ("id", "name", "generation", Cast("created_at", CharField()))
_providers = Prepared(lambda: ResourceProvider.objects.order_by("name").values_list(*_PROVIDER))
_locked = Prepared(lambda: ResourceProvider.objects.order_by("name").select_for_update().values_list(*_PROVIDER))
_CUT = ("provider_id", "resource_class", "total", "reserved", "allocation_ratio")
_USED = ("provider_id", "resource_class", "used")
_inventories = PreparedMany(lambda ids: Inventory.objects.filter(provider_id__in=ids).values_list(*_CUT))
_used = PreparedMany(lambda ids: Usage.objects.filter(provider_id__in=ids).values_list(*_USED))
_all_inventories = Prepared(lambda: Inventory.objects.values_list(*_CUT))
_all_used = Prepared(lambda: Usage.objects.values_list(*_USED))


Sign = tuple[str, int, str]  # name, generation, when it was made
#: Provider → (its sign, its capacity and allocations then): between two boots one or two of a thousand change.
_known: dict[str, tuple[Sign, ProviderSummary]] = {}
MANY = 64  # changed providers from which on all rows are read, by statements that need no list


def summaries(
    names: Iterable[str] | None = None, *, lock: bool = False, with_traits: bool = False
) -> dict[str, ProviderSummary]:
    """Read the summaries of all providers, or of those named: name → summary. The caller must not change them.

    Three queries, four with traits. Inventories and usages are read only of providers whose generation differs from the
    one that this process remembers. `lock` locks the providers' rows until the transaction ends.
    """
    if names is None:
        rows = (_locked if lock else _providers)()
    else:
        query = ResourceProvider.objects.filter(name__in=list(names)).order_by("name")
        rows = list((query.select_for_update() if lock else query).values_list(*_PROVIDER))
    found: dict[str, ProviderSummary] = {}
    changed: dict[str, tuple[Sign, ProviderSummary]] = {}
    for id, *rest in rows:
        known, sign = _known.get(id), tuple(rest)
        if known is not None and known[0] == sign:
            found[id] = known[1]
        else:
            found[id] = ProviderSummary(id, rest[0])
            changed[id] = (sign, found[id])
    _fill(changed, is_all=names is None and len(changed) >= MANY)
    if names is None and not usage.is_changing():  # what this transaction has written may yet be undone
        if len(_known) > 2 * len(found):
            _known.clear()
        _known.update(changed)
    if with_traits:
        traits: dict[str, set[str]] = defaultdict(set)
        for provider_id, name in ProviderTrait.objects.filter(provider_id__in=found).values_list("provider_id", "name"):
            traits[provider_id].add(name)
        found = {id: replace(summary, traits=frozenset(traits[id])) for id, summary in found.items()}
    return {summary.name: summary for summary in found.values()}


def _fill(changed: dict[str, tuple[Sign, ProviderSummary]], *, is_all: bool) -> None:
    if not changed:
        return
    for provider_id, resource_class, total, reserved, ratio in _all_inventories() if is_all else _inventories(changed):
        if provider_id in changed:
            changed[provider_id][1].capacity[resource_class] = capacity(total, reserved, ratio)
    for provider_id, resource_class, amount in _all_used() if is_all else _used(changed):
        if provider_id in changed:
            changed[provider_id][1].used[resource_class] = amount


@transaction.atomic
def claim(server_id: str, project_id: str, resources: Mapping[str, int], hosts: list[str], *, user_id: str = "") -> str:
    """Allocate `resources` (class → amount) on the first of `hosts` with enough free capacity; returns its name.

    A consumer that already holds a claim on one of `hosts` keeps it (the step was repeated).
    Raises: NothingFits.
    """
    held = Allocation.objects.filter(consumer_id=server_id).values_list("provider__name", flat=True).first()
    if held is not None and held in hosts:
        return held
    found = summaries(hosts, lock=True)
    wanted = {k: v for k, v in resources.items() if v > 0}
    shortage: dict[str, tuple[str, int, int]] = {}
    for name in hosts:
        summary = found.get(name)
        if summary is None:
            continue
        short = summary.shortage(wanted)
        if short is not None:
            shortage[name] = short
            continue
        allocate(summary, consumer=server_id, project_id=project_id, user_id=user_id, resources=wanted)
        return name
    raise NothingFits(shortage=shortage)


def allocate(
    provider: ProviderSummary, *, consumer: str, project_id: str, user_id: str, resources: Mapping[str, int]
) -> None:
    """Write the allocations of `consumer` on a provider that the caller has locked and whose free capacity it has checked."""
    Consumer.objects.bulk_create([Consumer(id=consumer, project_id=project_id, user_id=user_id)], ignore_conflicts=True)
    Allocation.objects.bulk_create(
        Allocation(provider_id=provider.provider_id, consumer_id=consumer, resource_class=name, used=amount)
        for name, amount in resources.items()
    )
    usage.add({(provider.provider_id, name): amount for name, amount in resources.items()})
    ResourceProvider.objects.filter(id=provider.provider_id).update(generation=F("generation") + 1)
    announce("host", provider.name)


@transaction.atomic
def release(consumer: str) -> None:
    """Give back all that a consumer holds. One that holds nothing is no error."""
    on = Allocation.objects.filter(consumer_id=consumer).values("provider_id")
    list(ResourceProvider.objects.filter(id__in=on).order_by("name").select_for_update().values_list("id"))
    held = list(  # read under the locks: two that release it take turns, and the second finds nothing
        Allocation.objects.filter(consumer_id=consumer).values_list(
            "provider_id", "provider__name", "resource_class", "used"
        )
    )
    usage.add({(provider_id, resource_class): -used for provider_id, _name, resource_class, used in held})
    ResourceProvider.objects.filter(id__in={row[0] for row in held}).update(generation=F("generation") + 1)
    for name in {row[1] for row in held}:
        announce("host", name)
    Consumer.objects.filter(id=consumer).delete()


@transaction.atomic
def move(consumer: str, to: str) -> None:
    """Hand a consumer's claims to another consumer id that holds none (a resize keeps the old ones aside)."""
    source = Consumer.objects.filter(id=consumer).first()
    if source is None:
        return
    target, _made = Consumer.objects.get_or_create(
        id=to, defaults={"project_id": source.project_id, "user_id": source.user_id, "type": source.type}
    )
    Allocation.objects.filter(consumer_id=consumer).update(consumer_id=target.id)
    source.delete()


def held_by(consumer: str) -> dict[str, dict[str, int]]:
    """{host name: {class: amount}} of one consumer."""
    answer: dict[str, dict[str, int]] = defaultdict(dict)
    rows = Allocation.objects.filter(consumer_id=consumer).values_list("provider__name", "resource_class", "used")
    for name, resource_class, used in rows:
        answer[name][resource_class] = used
    return dict(answer)


def held_by_projects() -> dict[str, dict[str, int]]:
    """{project id: {class: amount}} of all that is allocated. A sum over every allocation: for pages that one person opens."""
    answer: dict[str, dict[str, int]] = defaultdict(dict)
    rows = Allocation.objects.values_list("consumer__project_id", "resource_class").annotate(Sum("used")).order_by()
    for project_id, resource_class, used in rows:
        answer[project_id][resource_class] = used
    return dict(answer)


def consumers() -> dict[str, set[str]]:
    """{consumer id: names of the hosts it holds something on}: what `doctor` compares with servers."""
    answer: dict[str, set[str]] = defaultdict(set)
    for consumer, name in Allocation.objects.values_list("consumer_id", "provider__name").distinct():
        answer[consumer].add(name)
    return dict(answer)


def provider(provider_id: str, *, lock: bool = False) -> ResourceProvider:
    """Find a resource provider by its id; `lock`: its row. Raises: ProviderNotFound."""
    query = ResourceProvider.objects.select_for_update() if lock else ResourceProvider.objects
    found = query.filter(id=provider_id).first()
    if found is None:
        raise ProviderNotFound(id=provider_id)
    return found


def bump(row: ResourceProvider, expected: int | None) -> None:
    """Raise a locked provider's generation; `expected` is what the caller last saw. Raises: GenerationConflict."""
    if expected is not None and expected != row.generation:
        raise GenerationConflict(id=row.id)
    usage.changing()
    row.generation += 1
    row.updated_at = now()
    row.save(update_fields=["generation", "updated_at"])
