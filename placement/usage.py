"""The sums of allocations: kept, checked, put right."""

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import F, Sum

from placement.models import Allocation, ResourceProvider, Usage

Amounts = Mapping[tuple[str, str], int]  # (provider id, class) → amount


def add(amounts: Amounts) -> None:
    """Add to what is used (or take away), in the transaction that writes or removes the allocations.

    Whoever calls it raises the providers' generation too: by that others see that they have to read again.
    """
    changing()
    table = connection.ops.quote_name(Usage._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (provider_id, resource_class, used) VALUES (%s, %s, %s) "
            f"ON CONFLICT (provider_id, resource_class) DO UPDATE SET used = {table}.used + excluded.used",
            [(provider, name, amount) for (provider, name), amount in sorted(amounts.items())],
        )


def is_changing() -> bool:
    """Whether the transaction that goes on has changed sums or inventories: what it reads is not yet everybody's."""
    return any(hook[1] is _changed for hook in transaction.get_connection().run_on_commit)


def changing() -> None:
    """To be called by whoever raises a generation, in the same transaction. A roll-back to before it takes it back."""
    if not is_changing():
        transaction.on_commit(_changed)


def _changed() -> None:
    """It is everybody's now."""


def drift() -> dict[tuple[str, str], tuple[int, int]]:
    """{(provider name, class): (what is kept, what the allocations add up to)} where these differ. Nothing, ever."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for name, resource_class, used in Usage.objects.values_list("provider__name", "resource_class", "used"):
        found[name, resource_class][0] = used
    rows = Allocation.objects.values("provider__name", "resource_class").annotate(amount=Sum("used")).order_by()
    for name, resource_class, amount in rows.values_list("provider__name", "resource_class", "amount"):
        found[name, resource_class][1] = amount
    return {key: (kept, real) for key, (kept, real) in found.items() if kept != real}


@transaction.atomic
def repair() -> dict[tuple[str, str], tuple[int, int]]:
    """Make the sums right, while nobody claims. Returns what was wrong."""
    ids = dict(ResourceProvider.objects.select_for_update().order_by("name").values_list("name", "id"))
    wrong = drift()
    add({(ids[name], resource_class): real - kept for (name, resource_class), (kept, real) in wrong.items()})
    ResourceProvider.objects.filter(name__in={name for name, _class in wrong}).update(generation=F("generation") + 1)
    return wrong
