"""What agents report, control reads."""

from hostagent.contract.reports import ANSWERS, Event, Kind
from operations import rpc


def test_each_kind_of_report_and_each_event_has_a_reader() -> None:
    """Of `metadata` and `log` nobody heard: they are no longer sent."""
    assert set(Kind) - set(rpc._on_report) == {*ANSWERS, Kind.EVENT}
    assert set(rpc._on_event) == set(Event)
