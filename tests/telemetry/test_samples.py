"""Samples: what comes in once, what is rolled up into what, and what a chart shows of it."""

import math
import random
import sqlite3
from typing import Any

import pytest

from telemetry.meters import HOST, PORT, SERVER
from telemetry.samples import ingest, reading, rollups, store
from telemetry.samples.packing import Raw, Rolled, between, merged, pack_raw, pack_rolled, unpack_raw, unpack_rolled
from telemetry.samples.tiers import RAW, TIERS
from tests.telemetry.conftest import START, ZERO, Telemetry

CPU, MEMORY, WRITTEN = SERVER.index("cpu"), SERVER.index("memory.usage"), SERVER.index("disk.write.bytes")


def means(found: reading.Points, meter: int) -> list[float | None]:
    return [None if row is None else row.means[meter] for row in found.rows]


def points(telemetry: Telemetry, span: str = "1h", id: str = "s") -> reading.Points:
    return reading.points(SERVER, id, reading.SPANS[span], telemetry.moment)


def test_a_chunk_of_a_tier_is_a_step_of_the_next() -> None:
    assert [tier.chunk for tier in TIERS[:-1]] == [tier.step for tier in TIERS[1:]]
    assert [(tier.step, tier.kept) for tier in TIERS] == [
        (10, 3600), (60, 86400), (600, 7 * 86400), (3600, 400 * 86400),
    ]  # fmt: skip


def test_rows_are_packed_and_unpacked_as_they_were() -> None:
    raw = Raw(START + 4.25, (1.0, 2.0**52, math.nan))
    assert repr(unpack_raw(START, pack_raw(START, raw))) == repr(raw)
    rolled = Rolled(60, (0.5, math.nan), (1.5, math.nan))
    assert repr(unpack_rolled(pack_rolled(rolled))) == repr(rolled)


def test_a_counter_is_a_rate_a_second_and_a_gauge_is_itself(telemetry: Telemetry) -> None:
    telemetry.burn(60)
    found = points(telemetry)
    assert means(found, CPU) == pytest.approx([5e8] * 5)
    assert means(found, WRITTEN) == pytest.approx([2**20] * 5)
    assert means(found, MEMORY) == [64] * 5


def test_each_tier_says_the_same_rate(telemetry: Telemetry) -> None:
    telemetry.burn(2 * 3600 + 60)
    for span in reading.SPANS:
        values = means(points(telemetry, span), CPU)
        assert values and values == pytest.approx([5e8] * len(values), rel=1e-3), span


def test_rolled_up_again_it_says_the_same(telemetry: Telemetry) -> None:
    telemetry.burn(1300)
    link = store.connection()
    assert link is not None
    before = link.execute("SELECT * FROM samples WHERE tier > 0").fetchall()
    assert before
    link.executemany(store.MARK, [(tier, chunk) for tier, chunk in {(row[0] - 1, 0) for row in before}])
    link.execute("INSERT OR IGNORE INTO dirty SELECT DISTINCT tier, chunk FROM samples WHERE tier < 2")
    assert rollups.roll() > 0
    assert link.execute("SELECT * FROM samples WHERE tier > 0").fetchall() == before


def test_a_mean_is_weighted_by_what_is_known_and_keeps_its_most() -> None:
    a, b = Rolled(10, (1.0, math.nan), (5.0, math.nan)), Rolled(30, (3.0, 7.0), (3.0, 9.0))
    assert merged([a, b]) == Rolled(40, (2.5, 7.0), (5.0, 9.0))


def test_a_report_counts_once(telemetry: Telemetry) -> None:
    body = telemetry.report(servers={"s": ZERO})
    telemetry.moment += 10
    ingest.take("host1", {**body, "at": telemetry.moment})  # the same number once more
    assert telemetry.rows(0) == 2  # the guest's and its host's
    telemetry.report(servers={"s": ZERO})
    assert telemetry.rows(0) == 4


def test_shuffled_and_doubled_reports_give_the_same(telemetry: Telemetry) -> None:
    bodies = []
    for n in range(120):
        bodies.append(telemetry.body(at=START + 10.0 * n, servers={"s": {**ZERO, "cpu_ns": n * 10**9}}))
    telemetry.moment = START + 1200.0
    random.Random(7).shuffle(bodies)
    for body in bodies * 2:
        ingest.take("host1", body)
    telemetry.pass_time(30)
    assert telemetry.rows(0) == 240
    values = means(points(telemetry), CPU)
    assert values == pytest.approx([1e8] * 119)
    assert means(points(telemetry, "24h"), CPU) == pytest.approx([1e8] * 5, rel=1e-3)


def test_late_samples_change_what_was_rolled_up_without_them(telemetry: Telemetry) -> None:
    """An agent that could not send for ten minutes sends them then."""
    late = [telemetry.body(at=START + 10.0 * n, servers={"s": {**ZERO, "cpu_ns": n * 10**9}}) for n in range(60)]
    telemetry.pass_time(600)
    for n in range(60, 66):
        telemetry.report(servers={"s": {**ZERO, "cpu_ns": n * 10**9}})
        telemetry.pass_time(10)
    assert set(means(points(telemetry, "24h"), CPU)) <= {None}
    for body in late:
        ingest.take("host1", body)
    telemetry.pass_time(60)
    values = means(points(telemetry, "24h"), CPU)
    assert None not in values and sum(values) == pytest.approx(1e8 * len(values), rel=1e-3)  # type: ignore[arg-type]


def test_a_silence_is_a_hole_and_one_missing_sample_is_none(telemetry: Telemetry) -> None:
    telemetry.burn(60)
    telemetry.pass_time(20)
    telemetry.burn(60)
    assert None not in means(points(telemetry), CPU)
    telemetry.pass_time(300)
    telemetry.burn(60)
    values = means(points(telemetry), CPU)
    assert values.count(None) == 1 and [value for value in values if value] == pytest.approx([5e8] * (len(values) - 1))
    assert points(telemetry).times == sorted(set(points(telemetry).times))


def test_a_guest_that_was_started_anew_has_no_negative_rate(telemetry: Telemetry) -> None:
    telemetry.report(servers={"s": {**ZERO, "cpu_ns": 9 * 10**12, "net_in_bytes": 10**9}})
    telemetry.pass_time(10)
    telemetry.report(servers={"s": {**ZERO, "cpu_ns": 10**9, "net_in_bytes": 1000}})
    row = points(telemetry).rows[-1]
    assert row is not None and row.means[CPU] == pytest.approx(1e8)
    assert row.means[SERVER.index("network.incoming.bytes")] == pytest.approx(100)


def test_a_disk_that_was_taken_away_is_no_burst_of_the_others(telemetry: Telemetry) -> None:
    """The sum over the disks falls, the guest runs on: what they did meanwhile is not known."""
    telemetry.report(servers={"s": {**ZERO, "cpu_ns": 10**9, "disk_write_bytes": 10**11}})
    telemetry.pass_time(10)
    telemetry.report(servers={"s": {**ZERO, "cpu_ns": 2 * 10**9, "disk_write_bytes": 9 * 10**10}})
    row = points(telemetry).rows[-1]
    assert row is not None and math.isnan(row.means[WRITTEN]) and row.means[CPU] == pytest.approx(1e8)


def test_a_port_whose_tap_is_new_begins_at_0() -> None:
    zero, some = Raw(START, (10.0**9,) * 6), Raw(START + 10, (50.0,) * 6)
    use = between(PORT, zero, some, RAW.step)
    assert use is not None and use.means == (5.0,) * 6


def test_what_nobody_says_is_not_0(telemetry: Telemetry) -> None:
    telemetry.burn(20)
    telemetry.report(servers={"s": {**ZERO, "memory_used_mib": None}})
    last = points(telemetry).rows[-1]
    assert last is not None and math.isnan(last.means[MEMORY])


@pytest.mark.parametrize("at", [-3700.0, 40.0])
def test_what_is_too_old_or_of_the_future_does_not_count(telemetry: Telemetry, at: float) -> None:
    telemetry.report(at=START + at, servers={"s": ZERO})
    assert telemetry.rows(0) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"servers": {"s": {"cpu_seconds": 1.5}}},  # of an agent of before
        {"run": "a", "number": 1, "at": "soon"},
        {"run": "a" * 100, "number": 1, "at": float(START)},
        {"run": "a", "number": 1, "at": math.nan},
        {"run": "a", "number": 1, "at": math.inf},
    ],
)
def test_a_report_that_is_none_is_dropped(telemetry: Telemetry, body: dict[str, Any]) -> None:
    ingest.take("host1", body)
    assert telemetry.rows(0) == 0


def test_values_that_are_no_numbers_are_not_known(telemetry: Telemetry) -> None:
    odd = {
        "cpu_ns": "a lot",
        "memory_used_mib": -5,
        "disk_read_bytes": 1e30,
        "disk_write_bytes": [],
        "net_in_bytes": True,
    }
    telemetry.report(servers={"s": odd, "t": "busy", "u": None})
    assert telemetry.rows(0) == 4


def test_the_cloud_is_the_sum_of_its_hosts(telemetry: Telemetry) -> None:
    for n in range(13):
        for host, cpus in (("host1", 4), ("host2", 8)):
            telemetry.report(
                host, host={"cpu_ns": n * 10**10, "cpus": cpus, "memory_mib": 1024, "memory_used_mib": 512}
            )
        telemetry.pass_time(10)
    telemetry.pass_time(10)
    row = reading.points(HOST, rollups.CLOUD, reading.MINUTES["1h"], telemetry.moment).rows[-1]
    assert row is not None
    assert (row.means[0], row.means[1]) == pytest.approx((2e9, 12)) and row.means[3] == pytest.approx(2048)


def test_reports_wait_while_the_file_cannot_be_written(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(reports: list[ingest.Report]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as away:
        away.setattr(ingest, "_stored", full)
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError):
                telemetry.report(servers={"s": ZERO})
            telemetry.moment += 10
    assert telemetry.rows(0) == 0
    telemetry.report(servers={"s": ZERO})
    assert telemetry.rows(0) == 8


def test_a_damaged_file_begins_anew(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.burn(30)

    def malformed(reports: list[ingest.Report]) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as broken, pytest.raises(sqlite3.DatabaseError):
        broken.setattr(ingest, "_stored", malformed)
        telemetry.report(servers={"s": ZERO})
    telemetry.report(servers={"s": ZERO})
    assert telemetry.rows(0) == 2  # both reports are of the same ten seconds


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b""])
def test_what_is_no_database_is_replaced(telemetry: Telemetry, content: bytes) -> None:
    store.path().parent.mkdir()
    store.path().write_bytes(content)
    assert store.connection() is None
    telemetry.report(servers={"s": ZERO})
    assert telemetry.rows(0) == 2


def test_a_file_of_another_version_begins_anew(telemetry: Telemetry) -> None:
    telemetry.burn(30)
    link = store.connection()
    assert link is not None
    link.execute(f"PRAGMA user_version = {store.VERSION + 1}")
    store._local.known = None  # as in a process that begins
    assert store.connection() is None
    telemetry.report(servers={"s": ZERO})
    assert telemetry.rows(0) == 2
