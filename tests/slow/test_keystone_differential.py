"""Keystone's own release and our Identity API, asked the same; what differs is in keystone_differences.tsv, with a reason."""

from collections.abc import Iterator

import pytest

from tests.live import LiveCloud
from tests.slow.differential import comparing, keystone, recordings
from tests.slow.differential.side import Side

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.timeout(1800)]

#: Lines of a difference that are shown when it is not in the table.
SHOWN = 60


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
    """The real one and ours, both new."""
    with keystone.keystone() as url, LiveCloud(hosts=0, fake_hosts=1) as cloud:
        yield (
            Side("keystone", url, {"admin_password": keystone.PASSWORD}),
            Side("ours", f"{cloud.url}/api/identity", {"admin_password": cloud.password("admin")}),
        )


def test_the_requests_are_many_and_readable() -> None:
    steps = [step for step in recordings.everything() if step is not recordings.WAIT]
    assert len(steps) >= 400
    assert len({step.name for step in steps}) == len(steps), "a difference must name one request"


def test_every_difference_is_known_and_meant(sides: tuple[Side, Side]) -> None:
    count, found = comparing.run(recordings.everything(), *sides)
    table = comparing.table()
    assert all(row.reason for row in table), "a row of the table has no reason"
    unknown = [one for one in found if not any(row.covers(one) for row in table)]
    stale = [row for row in table if not any(row.covers(one) for one in found)]
    print(f"{count} requests, {len(found)} differences, {len(unknown)} of them not in the table")
    assert not unknown, f"{len(unknown)} differences are not in {comparing.TABLE.name}:\n" + "\n".join(
        str(one) for one in unknown[:SHOWN]
    )
    assert not stale, "these rows of the table cover nothing any more:\n" + "\n".join(map(str, stale))
