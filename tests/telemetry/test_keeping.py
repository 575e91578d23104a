"""What stays how long, and that the file has a bound."""

from datetime import UTC, datetime
from typing import Any

import pytest

from compute.servers.models import Server
from networking.ports.models import Port
from telemetry.meters import HOST, PORT, SERVER
from telemetry.samples import keeping, reading, store
from telemetry.samples.packing import Rolled, pack_rolled
from telemetry.samples.tiers import DAY, TIERS
from tests.telemetry.conftest import START, ZERO, Telemetry

USED = pack_rolled(Rolled(3600, (1.0,) * 8, (2.0,) * 8))


def write(tier: int, at: int, things: int = 1, kind: int = SERVER.number) -> None:
    """Rows of a tier as a roll-up would leave them."""
    one = TIERS[tier]
    with store.writing() as link:
        ids = [store.number(link, kind, f"s{n}", START) for n in range(things)]
        link.executemany(store.PUT, [(tier, one.chunk_of(at), id_, one.slot_of(at), USED) for id_ in ids])


@pytest.mark.parametrize("tier", range(len(TIERS)))
def test_a_tier_keeps_what_it_says_and_no_more(telemetry: Telemetry, tier: int) -> None:
    kept, chunk = TIERS[tier].kept, TIERS[tier].chunk
    write(tier, START)
    keeping.keep(START + kept - 1)
    assert telemetry.rows(tier) == 1
    keeping.keep(START + kept + chunk)
    assert telemetry.rows(tier) == 0


def test_the_file_never_passes_its_bound(telemetry: Telemetry, settings: Any) -> None:
    """More things than fit: the oldest of the coarsest go first, the last hour and day stay."""
    settings.TELEMETRY_BYTES = 400_000
    for day in range(30):
        for hour in (0, 12):
            write(3, START + day * DAY + hour * 3600, things=120)
        moment = START + (day + 1) * DAY
        keeping.keep(moment)
        assert store.path().stat().st_size <= settings.TELEMETRY_BYTES
    link = store.connection()
    assert link is not None
    days = [chunk for (chunk,) in link.execute("SELECT DISTINCT chunk FROM samples WHERE tier = 3")]
    newest = TIERS[3].chunk_of(moment) - 1
    assert max(days) == newest and len(days) == newest - min(days) + 1 >= 7


def test_room_that_is_free_goes_back_to_the_disk(telemetry: Telemetry) -> None:
    for hour in range(24):
        write(3, START + hour * 3600, things=500)
    link = store.connection()
    assert link is not None
    before = store.size(link)
    keeping.keep(START + 402 * DAY)
    link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert store.path().stat().st_size < before / 4


def test_a_thing_that_is_forgotten_leaves_no_row(telemetry: Telemetry) -> None:
    telemetry.burn(1300, id="gone")
    telemetry.report(servers={"stays": ZERO})
    assert keeping.forget(SERVER.number, ["gone", "never was"]) == 1
    assert reading.points(SERVER, "gone", reading.SPANS["24h"], telemetry.moment).times == []
    link = store.connection()
    assert link is not None
    names = {name for (name,) in link.execute("SELECT name FROM resources WHERE kind = 1")}
    assert names == {"stays"}
    orphans = "SELECT count(*) FROM samples WHERE resource NOT IN (SELECT id FROM resources)"
    assert link.execute(orphans).fetchone() == (0,)


def test_a_number_is_never_given_to_another(telemetry: Telemetry) -> None:
    """What was forgotten between two reports does not come back as somebody else's."""
    telemetry.report(servers={"old": ZERO})
    link = store.connection()
    assert link is not None
    before = store.numbers(link, SERVER.number, ["old"])["old"]
    keeping.forget(SERVER.number, ["old"])
    telemetry.pass_time(10)
    telemetry.report(servers={"new": ZERO})
    assert store.numbers(link, SERVER.number, ["new"])["new"] > before


def test_what_is_gone_for_good_is_forgotten_by_the_purge(telemetry: Telemetry, db: None) -> None:
    server = Server.objects.create(name="kept", project_id="p", user_id="u", flavor={}, host="host1", deleted=True)
    telemetry.report(servers={server.id: ZERO, "purged": ZERO}, ports={"unplugged": {}})
    assert not Port.objects.exists()
    assert keeping.orphans(datetime.fromtimestamp(START, UTC)) == 0  # heard of since
    later = datetime.fromtimestamp(START + DAY, UTC)
    assert keeping.orphans(later) == 3 and keeping.orphans(later) == 0  # the host has no row either
    link = store.connection()
    assert link is not None
    assert set(store.numbers(link, SERVER.number, [server.id, "purged"])) == {server.id}
    assert not store.numbers(link, PORT.number, ["unplugged"]) and not store.numbers(link, HOST.number, ["host1"])
