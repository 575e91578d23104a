"""Forgets what ended long ago: deleted servers, moves, old passwords. A nightly hour does the same."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import purging


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        days = f"days since they ended (STACKLING_PURGE_DAYS: {settings.PURGE_DAYS})"
        parser.add_argument("--older-than", type=float, default=None, metavar="DAYS", help=days)
        parser.add_argument("names", nargs="*", help=f"only these: {', '.join(purging.names())}")

    def handle(self, *args: object, names: list[str], older_than: float | None, **options: object) -> None:
        unknown = set(names) - set(purging.names())
        if unknown:
            raise CommandError(
                f"Nothing is called {', '.join(sorted(unknown))}. What is: {', '.join(purging.names())}."
            )
        if older_than is not None and older_than < 0:
            raise CommandError("--older-than takes a number of days, 0 or more.")
        for name, count in purging.run(older_than, names).items():
            self.stdout.write(f"{name}  {count}")
