"""Ends broken operations as failed; nothing is undone and no host is asked anything (see operation_list --broken)."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from common.errors import CloudError
from operations import parking


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="+", help="ids of operations")

    def handle(self, *args: object, id: list[str], **options: object) -> None:
        for one in id:
            try:
                with transaction.atomic():
                    row = parking.abandon(one)
                    parking.tell("operation_abandon", "abandon", row)
            except CloudError as error:
                raise CommandError(error.message) from None
            self.stdout.write(f"{row.id}  {row.flow}  {row.subject_kind}:{row.subject_id}  abandoned")
