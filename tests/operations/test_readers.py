"""What agents report, control reads."""

from hostagent.contract.reports import ANSWERS, UNREAD, Event, Kind
from operations import hostlink


def test_each_kind_of_report_and_each_event_has_a_reader() -> None:
    """Of `metadata` and `log` nobody heard: they are no longer sent."""
    assert set(Kind) - set(hostlink._on_report) == {*ANSWERS, Kind.EVENT, *UNREAD}
    assert set(hostlink._on_event) == set(Event)
