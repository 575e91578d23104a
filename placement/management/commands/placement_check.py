"""Compares the usages kept of each provider with the sum of its allocations; --repair corrects the usages."""

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from placement import usage


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="put right what differs")

    def handle(self, *args: object, **options: object) -> None:
        wrong = usage.repair() if options["repair"] else usage.drift()
        for (name, resource_class), (kept, real) in sorted(wrong.items()):
            self.stdout.write(f"{name}  {resource_class}  kept {kept}, allocated {real}")
        if not wrong:
            self.stdout.write("All is as it should be.")
        elif not options["repair"]:
            sys.exit(1)
