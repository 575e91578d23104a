"""Sums of allocations by provider and class: update, check, repair."""

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import F, Sum

from placement.models import Allocation, ResourceProvider, Usage

Amounts = Mapping[tuple[str, str], int]  # (provider id, class) → amount


def add(amounts: Amounts) -> None:
    """Add amounts (negative: subtract) to the sums, in the transaction that writes or removes the allocations.

    The caller raises the providers' generations too, which tell other processes to read again.
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
    """Whether the current transaction has changed sums or inventories, so that its reads must not be remembered."""
    return any(hook[1] is _changed for hook in transaction.get_connection().run_on_commit)


def changing() -> None:
    """Mark the current transaction as one that raises a generation. A roll-back to a savepoint before it unmarks it."""
    if not is_changing():
        transaction.on_commit(_changed)


def _changed() -> None:
    """Does nothing: its place among the commit hooks is the mark of `changing`."""


def drift() -> dict[tuple[str, str], tuple[int, int]]:
    """{(provider name, class): (kept sum, sum of the allocations)} where the two differ. Empty unless there is a bug."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for name, resource_class, used in Usage.objects.values_list("provider__name", "resource_class", "used"):
        found[name, resource_class][0] = used
    rows = Allocation.objects.values("provider__name", "resource_class").annotate(amount=Sum("used")).order_by()
    for name, resource_class, amount in rows.values_list("provider__name", "resource_class", "amount"):
        found[name, resource_class][1] = amount
    return {key: (kept, real) for key, (kept, real) in found.items() if kept != real}


@transaction.atomic
def repair() -> dict[tuple[str, str], tuple[int, int]]:
    """Correct the sums, with all providers locked. Returns what `drift` found."""
    ids = dict(ResourceProvider.objects.select_for_update().order_by("name").values_list("name", "id"))
    wrong = drift()
    add({(ids[name], resource_class): real - kept for (name, resource_class), (kept, real) in wrong.items()})
    ResourceProvider.objects.filter(name__in={name for name, _class in wrong}).update(generation=F("generation") + 1)
    return wrong
