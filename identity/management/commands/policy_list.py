"""manage.py policy_list: every rule and who may, with the operator's overrides marked."""

from typing import Any

from django.core.management.base import BaseCommand

from identity import policy


class Command(BaseCommand):
    help = "Print every policy rule, its check, and what it guards. A * marks a rule that the override file changes."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("words", nargs="*", help="only rules whose name holds one of these words")

    def handle(self, *args: Any, **options: Any) -> None:
        overridden = policy.read_overrides() or {} if policy.has_overrides() else {}
        words = options["words"]
        for name, check in sorted(policy.rules().items()):
            if words and not any(word in name for word in words):
                continue
            mark = "*" if name in overridden else " "
            self.stdout.write(f"{mark} {name}: {check or '@'}")
            if policy.describe(name):
                self.stdout.write(f"    {policy.describe(name)}")
