"""`python -m bench.telemetry`: what samples cost, on a clock that is simulated; prints one JSON line. Needs no database.

Ten hosts with 1,000 guests report each 10 s, sealed as on the wire; then a year and more passes over a few guests, and the file
of a thousand is reckoned from theirs.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django

django.setup()

from hostagent.contract.samples import HostSample, PortSample, ServerSample  # noqa: E402
from hostagent.messaging import envelope  # noqa: E402
from portal.load import charts  # noqa: E402
from telemetry.meters import PORT, SERVER, Kind  # noqa: E402
from telemetry.samples import ingest, keeping, owners, reading, rollups, store  # noqa: E402
from telemetry.samples.packing import Raw, Rolled, pack_raw, pack_rolled  # noqa: E402
from telemetry.samples.tiers import DAY, RAW, TIERS, Tier  # noqa: E402

HOSTS, GUESTS = 10, 1000
TICKS = 120  # reports of a host: twenty minutes
FEW = 10  # guests, with a port each, over which the year passes
AGAIN = 40  # days that pass after everything is full
KEY = "ab" * 32
START = 1_800_057_600  # a midnight


def name(number: int) -> str:
    return str(UUID(int=number))


class Clock:
    """The present moment of ingest, roll-ups and keeping."""

    def __init__(self) -> None:
        self.moment = float(START)
        for module in (ingest, rollups, keeping):
            vars(module)["now"] = lambda: datetime.fromtimestamp(self.moment, UTC)


def report(host: int, tick: int) -> dict[str, Any]:
    """A host's report: what agents send, each counter higher than the last time."""
    guests = range(host * GUESTS // HOSTS, (host + 1) * GUESTS // HOSTS)
    server = {field: tick * (1000 + at) for at, field in enumerate(ServerSample.__annotations__)}
    port = {field: tick * (1000 + at) for at, field in enumerate(PortSample.__annotations__)}
    own = {field: tick * (1000 + at) for at, field in enumerate(HostSample.__annotations__)}
    body = {"run": "bench", "number": tick + 1, "at": START + tick * 10 + 5.0, "host": own}
    body |= {"servers": {name(one): server for one in guests}, "ports": {name(GUESTS + one): port for one in guests}}
    return envelope.close({"host": f"host{host}", "kind": "stats", "seq": tick, "body": body}, KEY, "report")


@contextmanager
def cpu(taken: list[float]) -> Iterator[None]:
    began = time.process_time()
    yield
    taken.append(time.process_time() - began)


def comes_in(clock: Clock) -> float:
    """Seconds of CPU for each second of ten hosts' reports, from the sealed message to the row, with what rolls them up."""
    vars(owners)["of"] = lambda host, kind, wanted: frozenset(wanted)  # asks the database once a minute
    taken: list[float] = []
    for tick in range(TICKS):
        clock.moment = START + tick * 10 + 6.0
        messages = [report(host, tick) for host in range(HOSTS)]
        with cpu(taken):
            for host, message in enumerate(messages):
                opened = envelope.open_box(message, KEY, "report")
                assert opened is not None
                checked = ingest.checked(f"host{host}", opened["body"])
                assert checked is not None and len(checked.values) == 1 + 2 * GUESTS // HOSTS
                ingest._waiting.append(checked)
            ingest.flush()
            rollups.roll()
            if tick % 30 == 29:
                keeping.keep()
    return sum(taken) / (TICKS * 10)


def things(link: Any) -> list[tuple[Kind, int]]:
    found = [(SERVER, store.number(link, SERVER.number, name(one), START)) for one in range(FEW)]
    return found + [(PORT, store.number(link, PORT.number, name(GUESTS + one), START)) for one in range(FEW)]


def day_of(tier: Tier, begin: int, known: list[tuple[Kind, int]]) -> Iterator[tuple[int, int, int, int, bytes]]:
    """The rows that a day leaves in a tier, in the order in which they come; of the finest the last two hours alone."""
    values = {kind.number: (0.5,) * len(kind.meters) for kind in (SERVER, PORT)}
    for at in range(begin + (DAY - 7200 if tier is RAW else 0), begin + DAY, tier.step):
        for kind, id_ in known:
            of = values[kind.number]
            packed = pack_raw(at, Raw(at, of)) if tier is RAW else pack_rolled(Rolled(tier.step, of, of))
            yield tier.number, tier.chunk_of(at), id_, tier.slot_of(at), packed


def years(clock: Clock) -> tuple[float, float]:
    """Bytes of the file at its largest, and by what share the last half of the AGAIN days after all was full has more than the first."""
    with store.writing() as link:
        known = things(link)
    sizes = []
    full = TIERS[-1].kept // DAY
    for day in range(full + AGAIN):
        for tier in TIERS:
            if day >= full - tier.kept // DAY - 1:  # what comes before is forgotten before all are full
                with store.writing() as link:
                    link.executemany(store.PUT, day_of(tier, START + day * DAY, known))
        clock.moment = START + (day + 1.0) * DAY
        with store.writing() as link:
            link.execute("UPDATE resources SET heard = ?", (clock.moment,))
        keeping.keep()
        sizes.append(store.path().stat().st_size)
    half = AGAIN // 2
    return max(sizes), max(sizes[-half:]) / max(sizes[-AGAIN:-half]) - 1


def shown(clock: Clock) -> dict[str, float]:
    """Milliseconds of CPU for each span's chart of a guest, to its JSON, and for the sparks of fifty."""
    found = {}
    for span in reading.SPANS.values():
        taken: list[float] = []
        for one in range(FEW):
            with cpu(taken):
                points = reading.points(SERVER, name(one), span, clock.moment)
                text = json.dumps(charts.drawn(SERVER, charts.of_server(1, 128), points))
            assert len(points.times) >= 300 and len(text) > 1000, f"{span.name} has {len(points.times)} points"
        found[span.name] = sorted(taken)[FEW // 2] * 1000
    return found


def sparks(clock: Clock) -> float:
    taken: list[float] = []
    for _ in range(5):
        with cpu(taken):
            found = reading.many(SERVER, [name(one) for one in range(50)], reading.SPARK, clock.moment)
    assert len(found) == 50
    return sorted(taken)[2] * 1000


def main() -> None:
    clock = Clock()
    share = comes_in(clock)
    rows = sparks(clock)
    store.discard()
    full, grows = years(clock)
    said = {"share": 100 * share, "sparks_ms": rows, "bytes_each": full / FEW, "grows": 100 * grows}
    print(json.dumps({**said, **shown(clock)}))


if __name__ == "__main__":
    main()
