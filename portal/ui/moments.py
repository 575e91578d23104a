"""Days and moments that a reader writes, in the reader's zone."""

from datetime import UTC, datetime

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone

from common.ids import new_ordered_id


def moment(text: str, *, end: bool) -> datetime | None:
    """Read a day (its beginning, or its end) or a moment like ``2026-11-30 14:05``; None for what is neither."""
    try:
        day = parse_date(text)
        found = parse_datetime(text) if day is None else datetime(day.year, day.month, day.day)
    except ValueError:
        return None
    if found is None or not 1970 < found.year < 9000:
        return None
    if day is not None and end:
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_000)
    return (found if found.tzinfo else found.replace(tzinfo=get_current_timezone())).astimezone(UTC)


def edge(text: str, *, end: bool = False) -> str:
    """Return the least id of the moment that a text says, of rows whose ids are in the order of time; "" for no moment."""
    at = moment(text, end=end)
    return new_ordered_id(int(at.timestamp() * 1000), 0) if at else ""
