"""manage.py policy_list: every rule and who may, with the operator's overrides marked."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from authorization import rules


class Command(BaseCommand):
    help = "Print every policy rule, its check, and what it guards. A * marks a rule that the override file changes."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("words", nargs="*", help="only rules whose name holds one of these words")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        overridden = rules.read_overrides(at_start=True) or {} if rules.has_overrides() else {}
        words = options["words"]
        rows = [
            {"name": name, "check": check or "@", "about": str(rules.describe(name)), "overridden": name in overridden}
            for name, check in sorted(rules.texts().items())
            if not words or any(word in name for word in words)
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            self.stdout.write(f"{'*' if row['overridden'] else ' '} {row['name']}: {row['check']}")
            if row["about"]:
                self.stdout.write(f"    {row['about']}")
