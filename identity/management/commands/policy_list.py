"""manage.py policy_list: every rule and who may, with the operator's overrides marked."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from identity import policy


class Command(BaseCommand):
    help = "Print every policy rule, its check, and what it guards. A * marks a rule that the override file changes."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("words", nargs="*", help="only rules whose name holds one of these words")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        overridden = policy.read_overrides() or {} if policy.has_overrides() else {}
        words = options["words"]
        rows = [
            {"name": name, "check": check or "@", "about": str(policy.describe(name)), "overridden": name in overridden}
            for name, check in sorted(policy.rules().items())
            if not words or any(word in name for word in words)
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            self.stdout.write(f"{'*' if row['overridden'] else ' '} {row['name']}: {row['check']}")
            if row["about"]:
                self.stdout.write(f"    {row['about']}")
