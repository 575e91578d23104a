"""Writes audit records to standard output, as lines of CADF's JSON or as CSV."""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from audit import cadf
from audit.models import Event
from common.ids import new_ordered_id

COLUMNS = (
    "id", "event_time", "action", "outcome", "initiator_id", "initiator_name", "address", "target_type", "target_id",
    "target_name", "project_id", "domain_id", "request_id", "operation_id", "count",
)  # fmt: skip
BATCH = 1000


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="since", help="a day or a moment in UTC: 2026-11-30, 2026-11-30T14:05")
        parser.add_argument("--to", dest="until", help="the same; a day is wholly in it")
        parser.add_argument("--project", help="id of a project: only what its managers see")
        parser.add_argument("--format", choices=("json", "csv"), default="json")

    def handle(self, *args: object, since: str, until: str, project: str, format: str, **options: object) -> None:
        rows = Event.objects.all()
        if since:
            rows = rows.filter(pk__gte=_edge(since, end=False))
        if until:
            rows = rows.filter(pk__lt=_edge(until, end=True))
        if project:
            rows = rows.filter(project_id=project)
        if format == "json":
            for row in _all(rows):
                self.stdout.write(json.dumps(cadf.as_dict(row), ensure_ascii=False))
            return
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow([*COLUMNS, "reason", "before", "after"])
        for row in _all(rows):
            inner = [
                json.dumps(row.body[name], ensure_ascii=False) if name in row.body else ""
                for name in ("reason", "before", "after")
            ]
            out.writerow([_harmless(str(getattr(row, name))) for name in COLUMNS] + [_harmless(text) for text in inner])


def _all(rows: QuerySet[Event]) -> Iterator[Event]:
    """Oldest first, a batch a query: a database that is written to meanwhile waits for nobody."""
    last = ""
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from found
        last = found[-1].pk


def _harmless(text: str) -> str:
    """A spreadsheet runs what begins like a formula; a quote in front makes it text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _edge(text: str, *, end: bool) -> str:
    """The least id of a moment; with `end`, of the day after."""
    try:
        day = parse_date(text)
        found = parse_datetime(text) if day is None else datetime(day.year, day.month, day.day)
    except ValueError:
        found = day = None
    if found is None:
        raise CommandError(f"{text} is no day or moment. Write it like 2026-11-30 or 2026-11-30T14:05.")
    if day is not None and end:
        found += timedelta(days=1)
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    return new_ordered_id(int(moment.timestamp() * 1000), 0)
