"""Copies the cloud, which may run meanwhile, to a folder or to S3: database, keys, policy, images (docs/howto/back-up-and-restore.md)."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from audit import cadf, records
from audit.scrub import text
from cloud.backup import making, sealing, turn
from cloud.backup.destinations import place
from cloud.backup.errors import BackupError

BACKUP = "data/storage/backup"
IMAGES = ("by-reference", "whole")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dest", nargs="?", default=settings.BACKUP_TO, help="a folder, or s3://bucket/prefix (STACKLING_BACKUP_TO)"
        )
        parser.add_argument(
            "--images",
            choices=IMAGES,
            default=settings.BACKUP_IMAGES,
            help="a list of them with checksums, or their bytes too (STACKLING_BACKUP_IMAGES)",
        )
        secret = parser.add_mutually_exclusive_group()
        secret.add_argument(
            "--passphrase-file",
            default=settings.BACKUP_PASSPHRASE_FILE,
            help="what everything is sealed with (STACKLING_BACKUP_PASSPHRASE_FILE)",
        )
        secret.add_argument("--without-keys", action="store_true", help="seal nothing, and save no key")
        parser.add_argument(
            "--keep",
            type=int,
            default=None,
            metavar="N",
            help="remove all but the newest N of this cloud's backups there",
        )

    def handle(
        self,
        *args: object,
        dest: str,
        passphrase_file: str,
        keep: int | None,
        without_keys: bool,
        images: str,
        **options: object,
    ) -> None:
        file = passphrase_file
        if not dest:
            raise CommandError("Where to? Name a folder or s3://bucket/prefix, or set STACKLING_BACKUP_TO.")
        if not file and not without_keys:
            raise CommandError(
                "Keys are saved only sealed under a passphrase: give --passphrase-file, or --without-keys to leave them out."
                " Without them nothing that is sealed in the database can ever be opened again."
            )
        if images not in IMAGES:
            raise CommandError(f"STACKLING_BACKUP_IMAGES is {images!r}: it may be {' or '.join(IMAGES)}.")
        if keep is not None and keep < 1:
            raise CommandError("--keep takes a number from 1.")
        error, name = "", ""
        try:
            passphrase = None if without_keys else sealing.passphrase_of(Path(file))
            name = making.make(
                place(dest), passphrase=passphrase, whole=images == "whole", keep=keep, say=self.stdout.write
            )
        except (BackupError, OSError) as failure:
            error = str(failure)
        if dest == settings.BACKUP_TO:
            turn.note(error, name)
        self._record(dest, name, error)
        if error:
            raise CommandError(error)
        self.stdout.write(f"{name}  is whole, in {dest}")

    def _record(self, dest: str, name: str, error: str) -> None:
        """A database that takes no record, for it is full, say, costs the record and not the backup."""
        why = {"reasonType": "backup", "reasonCode": text(error)[:255]} if error else None
        outcome = cadf.FAILURE if error else cadf.SUCCESS
        try:
            records.by_command("cloud_backup", "backup", target=(BACKUP, name, text(dest)), outcome=outcome, reason=why)
        except DatabaseError as failure:
            self.stderr.write(f"The backup is not in the audit: {failure}")
