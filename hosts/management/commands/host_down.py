"""Says that silent hosts are down, where control would not say so by itself: DHCP and routers move away from them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import CloudError
from hosts import silence


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", help="names of hosts")
        parser.add_argument("--silent", action="store_true", help="all that are unreachable")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["name"] or (silence.silent_names() if options["silent"] else [])
        if not names:
            raise CommandError(
                "No host is unreachable." if options["silent"] else "Name the hosts that are down, or say --silent."
            )
        try:
            changed = silence.call_down(names)
        except CloudError as error:
            raise CommandError(error.message) from None
        for name in names:
            self.stdout.write(f"{name}  {'down' if name in changed else 'was down already'}")
