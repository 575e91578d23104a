"""Prints the timeline of a request (req-…) or of a server (id or name): what was done, where, how long, why it failed."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from authorization import denials
from compute.servers.history import timeline
from compute.servers.models import Server
from operations.models import Operation


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", help="a request id, an operation id, or a server's id or name")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        rows, denied = self._operations(options["what"]), denials.of_request(options["what"])
        if not rows and not denied:
            raise CommandError(
                f"Nothing is known of {options['what']}: no verb that takes time, no refusal and no server has this id or name. "
                "Every request is a line of logs/access.log."
            )
        found = [timeline(row) for row in rows]
        if options["json"]:
            self.stdout.write(json.dumps([*found, *({"denied": one} for one in denied)], indent=2, default=str))
            return
        for one in found:
            self._print(one)
        for one in denied:
            self._print_denial(one)

    def _print_denial(self, one: dict[str, Any]) -> None:
        self.stdout.write(
            f"{one['at'][:19].replace('T', ' ')}  denied  {one['rule']}  {one['request_id']}  by {one['user']}"
        )
        self.stdout.write(f"    {one['sentence']}")
        self.stdout.write(f"    {one['rule']}: {one['check']}")

    @staticmethod
    def _operations(what: str) -> list[Operation]:
        rows = list(Operation.objects.filter(Q(request_id=what) | Q(id=what)).order_by("created_at"))
        if rows:
            return rows
        servers = Server.objects.filter(Q(id=what) | Q(name=what)).values_list("id", flat=True)
        subjects = [*servers, what]
        return list(Operation.objects.filter(subject_id__in=subjects).order_by("created_at"))

    def _print(self, one: dict[str, Any]) -> None:
        self.stdout.write(
            f"{one['started_at']:%Y-%m-%d %H:%M:%S}  {one['action']}  {one['state']}  {one['request_id']}  by {one['user']}"
        )
        for step in one["steps"]:
            took = f"{step['seconds']:.2f} s" if step["seconds"] is not None else "…"
            name = step["name"] if step["phase"] == "do" else f"undo {step['name']}"
            self.stdout.write(
                f"    {name:<20} {step['host'] or '-':<10} {took:>9}  {step['result']:<8} {step['reason']}"
            )
            for row in step["detail"].get("scheduling", ()):
                self.stdout.write(f"        {explain(row)}")
            if sums := step["detail"].get("sums"):
                reasons = ", ".join(f"{name} {count}" for name, count in sums["refused_by"].items()) or "none"
                self.stdout.write(f"        of {sums['hosts']} hosts {sums['fit']} fit; refused by {reasons}")
        if one["reason"]:
            self.stdout.write(f"    {one['reason']}")


def explain(row: dict[str, Any]) -> str:
    """Return one host's line: fits, or the filter that refused it with what it needed and had."""
    last = row["checks"][-1]
    if last["ok"]:
        return f"{row['host']}: fits"
    return f"{row['host']}: {last['filter']} needs {last['need']}, has {last['have']}"
