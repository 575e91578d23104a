"""Lists the agents of hosts: their state, the version of the contract they speak, when they were heard, and their trouble."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from hosts.models import Host


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--trouble", action="store_true", help="only those with trouble, or that speak version 1 only"
        )
        parser.add_argument("--forget", action="store_true", help="forget the trouble of those listed: it was seen to")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: object, **options: object) -> None:
        rows = [self._row(host) for host in Host.objects.order_by("number")]
        if options["trouble"]:
            rows = [row for row in rows if row["trouble"] or row["speaks"] < 2]
        if options["forget"]:
            Host.objects.filter(name__in=[row["name"] for row in rows]).update(trouble={})
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            trouble = "; ".join(self._said(kind, facts) for kind, facts in row["trouble"].items())
            self.stdout.write(
                f"{row['name']:<12} {row['state']:<12} version {row['speaks']}  heard {row['heard']:<26} {trouble}"
            )

    @staticmethod
    def _row(host: Host) -> dict[str, Any]:
        seen = host.last_seen_at.isoformat(timespec="seconds") if host.last_seen_at else "never"
        return {
            "name": host.name,
            "state": host.state,
            "speaks": host.speaks,
            "heard": seen,
            "trouble": host.trouble,
        }

    @staticmethod
    def _said(kind: str, facts: dict[str, object]) -> str:
        rest = ", ".join(f"{name} {value}" for name, value in facts.items() if name not in ("count", "at"))
        return f"{kind} × {facts.get('count', 1)} ({rest})"
