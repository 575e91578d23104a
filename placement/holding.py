"""Replace all allocations of a consumer, for operators and other services (the scheduler allocates by services.claim)."""

from collections import defaultdict
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid
from common.live import announce
from placement import usage
from placement.models import Allocation, Consumer, Inventory, ResourceProvider, Usage

Wanted = Mapping[str, Mapping[str, int]]  # provider id → class → amount


class CannotAllocate(Conflict):
    wire_type = "NoRoom"
    formerly = ("NoRoom",)
    template = _("Unable to allocate inventory: %(class)s on resource provider %(provider)s: %(why)s.")


class ConsumerChanged(Conflict):
    wire_type = "placement.concurrent_consumer_update"
    formerly = ("placement.concurrent_consumer_update",)
    template = _("consumer generation conflict: expected %(have)s but got %(want)s")


@transaction.atomic
def hold(
    consumer: str,
    wanted: Wanted,
    *,
    project_id: str,
    user_id: str,
    generation: int | None = None,
    is_checked: bool = False,
) -> None:
    """Replace all that a consumer holds by `wanted`; nothing wanted gives all back.

    With `is_checked`, `generation` must be the consumer's (None: it is new).

    Raises: CannotAllocate, ConsumerChanged; Invalid for an unknown provider.
    """
    held = _held(consumer)
    rows = ResourceProvider.objects.filter(id__in={*wanted, *held}).order_by("name").select_for_update()
    providers = {row.id: row for row in rows}
    unknown = sorted(set(wanted) - set(providers))
    if unknown:
        raise Invalid(
            reason=_("Allocation for resource provider '%(provider)s' that does not exist."), provider=unknown[0]
        )
    held = _held(consumer)  # again, under the locks
    known = Consumer.objects.select_for_update().filter(id=consumer).first()
    if is_checked and (known.generation if known else None) != generation:
        raise ConsumerChanged(have=known.generation if known else None, want=generation)
    for provider_id, resources in wanted.items():
        _check_capacity(provider_id, resources, held.get(provider_id, {}))
    _write(consumer, known, wanted, held, project_id=project_id, user_id=user_id)
    ResourceProvider.objects.filter(id__in=list(providers)).update(generation=F("generation") + 1)
    for row in providers.values():
        announce("host", row.name)


def _held(consumer: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    rows = Allocation.objects.filter(consumer_id=consumer).values_list("provider_id", "resource_class", "used")
    for provider_id, name, used in rows:
        found[provider_id][name] = used
    return found


def _check_capacity(provider_id: str, resources: Mapping[str, int], held: Mapping[str, int]) -> None:
    inventories = {row.resource_class: row for row in Inventory.objects.filter(provider_id=provider_id)}
    used = dict(Usage.objects.filter(provider_id=provider_id).values_list("resource_class", "used"))
    for name, amount in resources.items():
        row = inventories.get(name)
        why = ""
        if row is None:
            why = "it has none"
        elif not row.min_unit <= amount <= row.max_unit or amount % row.step_size:
            why = f"{amount} is not between {row.min_unit} and {row.max_unit} in steps of {row.step_size}"
        elif used.get(name, 0) - held.get(name, 0) + amount > row.capacity:
            why = f"{amount} is more than is free"
        if why:
            raise CannotAllocate(**{"class": name, "provider": provider_id, "why": why})


def _write(
    consumer: str, known: Consumer | None, wanted: Wanted, held: Wanted, *, project_id: str, user_id: str
) -> None:
    usage.add({(p, name): -used for p, resources in held.items() for name, used in resources.items()})
    Allocation.objects.filter(consumer_id=consumer).delete()
    if not any(wanted.values()):
        Consumer.objects.filter(id=consumer).delete()
        return
    if known is None:
        Consumer.objects.create(id=consumer, project_id=project_id, user_id=user_id)
    else:
        changes = {"project_id": project_id, "user_id": user_id, "generation": known.generation + 1}
        Consumer.objects.filter(id=consumer).update(**changes)
    amounts = {(p, name): amount for p, resources in wanted.items() for name, amount in resources.items()}
    Allocation.objects.bulk_create(
        Allocation(provider_id=p, consumer_id=consumer, resource_class=name, used=amount)
        for (p, name), amount in amounts.items()
    )
    usage.add(amounts)
