"""Spreads DHCP and routers evenly over the network hosts at once, or moves them all off one that is disabled (--drain).

What a moved router carries is interrupted for some seconds.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import CloudError
from networking import rebalancing


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drain", metavar="HOST", default="", help="move everything off this host")

    def handle(self, *args: object, **options: Any) -> None:
        count = 0
        try:
            for move in rebalancing.drain(options["drain"]) if options["drain"] else rebalancing.rebalance():
                count += 1
                self.stdout.write(f"{move.kind}  {move.id}  {move.source} -> {move.target}")
        except CloudError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{count} moved")
