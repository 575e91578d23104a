"""Times in texts that somebody sent, compared with rows as they are shown.

Most answers show whole seconds, and rows keep microseconds: a client that sends back such a time means all of that second.
One with a fraction means that instant: it was shown so.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils.dateparse import parse_datetime

SECOND: Final = timedelta(seconds=1)
#: Clients' names of comparisons.
OPERATORS: Final = ("eq", "neq", "gt", "gte", "lt", "lte")


def parsed(text: str) -> datetime | None:
    """Return an ISO 8601 time, or day, in UTC unless it says otherwise; None for what is none.

    A blank stands for the plus of an offset, which a URL decodes so.
    """
    text = text.strip()
    for one in (text, text.replace(" ", "+"), f"{text}T00:00:00"):
        try:
            moment = parse_datetime(one)
            if moment is not None:
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def formed(text: str, *forms: str) -> datetime | None:
    """Return a time in one of `forms` (strptime's) and no other, in UTC; None for what is none."""
    for form in forms:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def asked(column: str, text: str) -> Q | None:
    """Rows whose `column` fits ``gt:2026-01-02T03:04:05Z`` and its like, or is that time; None for what is neither."""
    operator, _colon, when = text.partition(":")
    if operator not in OPERATORS:
        operator, when = "eq", text
    moment = parsed(when)
    return None if moment is None else compared(column, operator, moment)


def compared(column: str, operator: str, moment: datetime) -> Q:
    """Rows whose `column` is before, at or after `moment`; all of a second is meant by a time without a fraction."""
    if moment.microsecond:
        exact = "exact" if operator in ("eq", "neq") else operator
        return ~Q(**{f"{column}__{exact}": moment}) if operator == "neq" else Q(**{f"{column}__{exact}": moment})
    first = moment
    if operator in ("gte", "lt"):
        return Q(**{f"{column}__{operator}": first})
    after = first + SECOND if first.year < 9999 else datetime.max.replace(tzinfo=UTC)
    if operator in ("gt", "lte"):
        return Q(**{f"{column}__{'gte' if operator == 'gt' else 'lt'}": after})
    same = Q(**{f"{column}__gte": first, f"{column}__lt": after})
    return ~same if operator == "neq" else same
