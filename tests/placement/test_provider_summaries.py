"""What a boot reads of placement grows with what has changed, not with the hosts."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compute.servers.create import scheduling
from compute.servers.create.scheduling import RequestSpec
from hosts.models import Host
from placement import inventories, services, usage
from placement.models import Inventory, ResourceProvider

pytestmark = pytest.mark.django_db(transaction=True)

HOSTS = 200


@pytest.fixture(autouse=True)
def hosts() -> Iterator[None]:
    services._known.clear()
    said = {"vcpus": 8, "memory_mib": 1000, "disk_gib": 100, "cpu_arch": "x86_64", "capabilities": ["x"]}
    rows = [Host(name=f"h{n:03d}", number=n + 1, state="up", inventory=said) for n in range(HOSTS)]
    Host.objects.bulk_create(rows)
    with transaction.atomic():
        for row in rows:
            inventories.on_inventory(row)
    yield
    services._known.clear()


def claim(consumer: str, host: str, memory: int = 10) -> None:
    services.claim(consumer, "p", {"MEMORY_MB": memory}, [host])


def used(name: str) -> int:
    """What every reader must see, held against what one that remembers nothing sees."""
    remembered = services.summaries()[name].used.get("MEMORY_MB", 0)
    kept, services._known = services._known, {}
    try:
        assert remembered == services.summaries()[name].used.get("MEMORY_MB", 0)
    finally:
        services._known = kept
    return remembered


def test_only_what_has_changed_is_read_again() -> None:
    """500 hosts made a boot read 3,000 rows, under the lock that every other boot waits for."""
    assert len(services.summaries()) == HOSTS
    read: list[int] = []
    right = services._fill

    def count(changed: dict[str, Any], *, is_all: bool) -> None:
        read.append(HOSTS if is_all else len(changed))
        right(changed, is_all=is_all)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "_fill", count)
        for number in range(5):
            claim(f"s{number}", f"h{number:03d}")
            services.summaries()
    assert sum(read[1::2]) == 5, "one host each"
    assert [used(f"h{number:03d}") for number in range(6)] == [10, 10, 10, 10, 10, 0]


def test_what_hosts_say_of_themselves_is_read_only_where_a_filter_looks_at_it() -> None:
    def queried(spec: RequestSpec) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            scheduling.candidates_for(spec)
        return [query["sql"] for query in seen.captured_queries if Host._meta.db_table in query["sql"]]

    plain = {"resources": {"VCPU": 1}, "project_id": "p"}
    assert not [sql for sql in queried(RequestSpec(**plain)) if "capabilities" in sql]  # type: ignore[arg-type]
    of_an_architecture = RequestSpec(**plain, image_properties={"hw_architecture": "aarch64"})  # type: ignore[arg-type]
    assert [sql for sql in queried(of_an_architecture) if "capabilities" in sql]
    assert scheduling.decide(of_an_architecture, scheduling.candidates_for(of_an_architecture)).chosen is None


def test_what_was_undone_is_not_remembered() -> None:
    services.summaries()

    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        claim("s1", "h001", 700)
        assert services.summaries()["h001"].used["MEMORY_MB"] == 700, "its own transaction sees it"
        raise Undone
    claim("s2", "h001", 3)  # the same generation as what was undone
    assert used("h001") == 3
    with transaction.atomic():
        claim("s3", "h001", 4)
        with pytest.raises(Undone), transaction.atomic():
            claim("s4", "h001", 500)
            assert services.summaries()["h001"].used["MEMORY_MB"] == 507
            raise Undone
        assert services.summaries()["h001"].used["MEMORY_MB"] == 7
    assert used("h001") == 7


def test_whatever_changes_what_a_host_has_or_has_promised_is_seen() -> None:
    services.summaries()
    claim("s1", "h002", 30)
    services.move("s1", "s1-old")
    assert used("h002") == 30
    services.release("s1-old")
    assert used("h002") == 0
    host = Host.objects.get(name="h002")
    host.inventory = {**host.inventory, "memory_mib": 2000}
    with transaction.atomic():
        inventories.on_inventory(host)
    assert services.summaries()["h002"].capacity["MEMORY_MB"] == 2000
    row = ResourceProvider.objects.get(name="h002")
    with transaction.atomic():
        services.bump(row, None)
        Inventory.objects.filter(provider=row, resource_class="MEMORY_MB").update(reserved=500)
    assert services.summaries()["h002"].capacity["MEMORY_MB"] == 1500
    with connection.cursor() as cursor:
        cursor.execute("UPDATE placement_usage SET used = 77 WHERE resource_class = 'MEMORY_MB'")
    usage.repair()
    assert used("h002") == 0
    row.delete()
    assert "h002" not in services.summaries()


def test_a_provider_that_was_removed_and_made_again_under_its_id_is_another() -> None:
    """D: by its id and a generation that began anew, its former capacity was taken for its own."""
    for memory in (2000, 1000):
        row = ResourceProvider.objects.create(id="11111111-2222-4333-8444-555555555555", name="again")
        Inventory.objects.create(provider=row, resource_class="MEMORY_MB", total=memory)
        assert services.summaries()["again"].capacity["MEMORY_MB"] == memory
        assert services.summaries(["again"])["again"].capacity["MEMORY_MB"] == memory
        row.delete()


@pytest.mark.parametrize("ratio", [3.40282e38, 1e308])
def test_no_ratio_that_a_row_holds_keeps_others_from_booting(ratio: float) -> None:
    """B2, a sibling: one number of one provider, and every boot of the cloud failed with an OverflowError."""
    Inventory.objects.filter(provider__name="h001", resource_class="MEMORY_MB").update(allocation_ratio=ratio)
    services._known.clear()
    found = services.summaries()
    assert found["h001"].capacity["MEMORY_MB"] == 2**53 and found["h002"].capacity["MEMORY_MB"] == 1000
    claim("s1", "h001")
    assert used("h001") == 10
