"""Lets broken operations go on where they stood (see operation_list --broken)."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from common.errors import CloudError
from operations import parking


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="+", help="ids of operations")
        parser.add_argument("--force", action="store_true", help="also where something newer was done to the subject")

    def handle(self, *args: object, id: list[str], force: bool, **options: object) -> None:
        for one in id:
            try:
                with transaction.atomic():
                    row = parking.retry(one, force=force)
                    parking.tell("operation_retry", "retry", row)
            except CloudError as error:
                raise CommandError(error.message) from None
            self.stdout.write(f"{row.id}  {row.flow}  {row.subject_kind}:{row.subject_id}  goes on")
