"""Lists operations, newest first, with the step each is at."""

import json
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from common.errors import sentence
from operations.models import Operation


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--live", action="store_true", help="only those that still run")
        parser.add_argument("--broken", action="store_true", help="only those that wait for an operator")
        parser.add_argument("--subject", default="", help="kind:id, such as server:<id>")
        parser.add_argument("--limit", type=int, default=50)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: object, live: bool, broken: bool, subject: str, limit: int, **options: object) -> None:
        rows = Operation.objects.order_by("-created_at")
        if live:
            rows = rows.live()
        if broken:
            rows = rows.broken()
        if subject:
            kind, _, key = subject.partition(":")
            rows = rows.filter(subject_kind=kind, subject_id=key)
        found = [self._row(row) for row in rows.prefetch_related("steps")[:limit]]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for row in found:
            self.stdout.write(
                f"{row['created_at']}  {row['id']}  {row['state']:<8} {row['flow']:<20} {row['subject']}  {row['step']}  "
                f"{row['reason']}"
            )

    @staticmethod
    def _row(row: Operation) -> dict[str, object]:
        steps = list(row.steps.all())
        return {
            "id": row.id,
            "flow": row.flow,
            "subject": f"{row.subject_kind}:{row.subject_id}",
            "state": row.state,
            "request_id": row.request_id,
            "step": steps[-1].name if steps else "",
            "host": steps[-1].host if steps else "",
            "created_at": row.created_at.isoformat(timespec="seconds"),
            "finished_at": row.finished_at.isoformat(timespec="seconds") if row.finished_at else None,
            "reason": sentence(row.error_code, row.error_data) if row.error_code else "",
        }
