"""Prints events of the outbox as JSON, one a line, the oldest first: after a number, or from where a reader of this name stopped."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence

from django.core.management.base import BaseCommand

from outbox import places
from outbox.models import Event


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--after", type=int, default=0, help="events with a higher number")
        parser.add_argument("--reader", default="", help="a name whose place is kept: the next call goes on there")
        parser.add_argument("--limit", type=int, default=places.AT_ONCE)

    def handle(self, *args: object, reader: str, after: int, limit: int, **options: object) -> None:
        if reader:
            if gone := places.missed(reader):
                self.stderr.write(
                    f"Events {gone[0]} to {gone[1]} went unread: they are kept for {places.KEEP}. Read all things anew,"
                    " and let this reader read more often."
                )
            places.read(reader, self._print, limit=limit)
        else:
            self._print(places.after(after, limit=limit))

    def _print(self, events: Sequence[Event]) -> None:
        for one in events:
            columns = ("number", "kind", "object_id", "project_id", "what", "before", "after", "user_id", "request_id")
            self.stdout.write(json.dumps({"at": one.at.isoformat()} | {name: getattr(one, name) for name in columns}))
        self.stdout.flush()
