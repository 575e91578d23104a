"""Lists schedules: the cloud's periodic tasks, when each ran last, and when it is due."""

import json
from argparse import ArgumentParser
from datetime import datetime

from django.core.management.base import BaseCommand

from operations import periodic
from operations.models import Schedule


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: object, **options: object) -> None:
        found = [_described(row) for row in Schedule.objects.order_by("key")]
        short = [task for task in periodic.tasks() if not task.has_row]
        found += [{"key": task.name, "seconds": task.seconds} for task in short]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for row in found:
            ran = f"ran {row.get('last_run_at') or 'never'}, due {row['due_at']}" if "due_at" in row else "has no row"
            error = f"  failed: {row['last_error']}" if row.get("last_error") else ""
            self.stdout.write(f"{row['key']:<28} every {row['seconds']:>8g} s  {ran}{error}")


def _described(row: Schedule) -> dict[str, object]:
    return {
        "key": row.key,
        "seconds": row.seconds,
        "due_at": _text(row.due_at),
        "last_run_at": _text(row.last_run_at),
        "last_by": row.last_by,
        "last_error": row.last_error,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
