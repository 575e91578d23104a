"""What doctor and /metrics say of samples."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hosts.models import Host
from telemetry import figures, troubles
from telemetry.samples import ingest, store
from tests.telemetry.conftest import ZERO, Telemetry


def test_a_host_that_is_up_and_sends_no_samples_is_told(
    telemetry: Telemetry, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert troubles._silent() == []  # nothing was ever sampled: a cloud that begins
    moment = datetime.fromtimestamp(telemetry.moment, UTC)
    monkeypatch.setattr(troubles, "now", lambda: moment)
    old, new = moment - timedelta(hours=1), moment - timedelta(seconds=30)
    for number, (name, state, booted) in enumerate(
        [("says", "up", old), ("mute", "up", old), ("young", "up", new), ("gone", "down", old)]
    ):
        Host.objects.create(name=name, number=number, state=state, booted_at=booted)
    telemetry.report("says", servers={"s": ZERO})
    assert [(one.kind, one.host) for one in troubles._silent()] == [("telemetry", "mute")]


def test_a_file_that_is_full_is_told_with_its_bound(telemetry: Telemetry, settings: Any) -> None:
    telemetry.report(servers={"s": ZERO})
    assert troubles._full() == []
    settings.TELEMETRY_BYTES = 1000
    (told,) = troubles._full()
    assert "1000 B" in told.text and "STACKLING_TELEMETRY_BYTES" in told.text


def test_reports_that_never_came_are_counted(telemetry: Telemetry) -> None:
    for number in (1, 2, 5, 6):
        ingest.take("host1", {**telemetry.body(), "number": number})
    ingest.take("host1", {**telemetry.body(), "run": "after a restart", "number": 1})
    link = store.connection()
    assert link is not None and figures.missing(link) == 2
    sizes = {family.name: family.samples[0].value for family in figures.collect()}
    assert sizes["stackling_telemetry_reports_missing"] == 2
    assert 0 < sizes["stackling_telemetry_bytes"] < sizes["stackling_telemetry_bytes_most"]
