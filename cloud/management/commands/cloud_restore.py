"""Puts a backup of `cloud_backup` in the place of this cloud, which must not run; its hosts and guests may.

Everything is held against the backup's sums first. `--check` only does that. See docs/howto/back-up-and-restore.md.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from cloud.backup import restoring, sealing, turn
from cloud.backup.destinations import place
from cloud.backup.errors import BackupError
from cloud.run import settings as run_settings
from cloud.run.up import UNFINISHED, at_rest
from cloud.run.users import control_account


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []  # they look at a database that is not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "src", help="a folder or s3://bucket/prefix with backups, one backup, or a copy of the database alone"
        )
        parser.add_argument("--name", default="", help="which backup of several; else the newest")
        parser.add_argument("--passphrase-file", default="", help="what it was sealed with")
        parser.add_argument("--check", action="store_true", help="only see whether it is whole")
        parser.add_argument("--replace", action="store_true", help="set aside the cloud that is here")

    def handle(self, *args: object, **options: object) -> None:
        try:
            self.restore(options)
        except (BackupError, run_settings.Refused) as failure:
            raise CommandError(str(failure)) from failure
        except (DatabaseError, OSError) as error:
            raise CommandError(f"It could not be restored: {error}. What is wrong mended, run it again.") from error

    def restore(self, options: dict[str, Any]) -> None:
        alone = Path(options["src"])
        given = None
        if not alone.is_file():
            file = options["passphrase_file"]
            passphrase = sealing.passphrase_of(Path(file)) if file else None
            given = restoring.source(place(options["src"]), options["name"], passphrase)
            self.stdout.write(f"{given.folder}  of {given.manifest.made_at}, version {given.manifest.code}")
            if given.manifest.data != str(settings.DATA):
                self.stdout.write(
                    f"It is of the cloud in {given.manifest.data}: only there are its hosts found again, for their folders and"
                    " namespaces are named after it."
                )
        if options["check"]:
            if given is None:
                raise BackupError(f"{alone} is no backup, so it has no sums.")
            restoring.check(given, self.stdout.write)
            self.stdout.write("It is whole.")
            return
        settings.DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
        cloud = run_settings.read()
        with at_rest(cloud), turn.alone("a restore"), restoring.scratch() as folder:
            found = restoring.fetch(given, folder, self.stdout.write) if given else restoring.copied(alone, folder)
            unfinished = (settings.DATA / UNFINISHED).exists()
            migrations = given.manifest.migrations if given else []
            restoring.examine(found, migrations, replace=options["replace"] or unfinished)
            restoring.install(found, given.manifest.life if given else None, control_account(cloud), self.stdout.write)
        self.tell(found)

    def tell(self, found: restoring.Fetched) -> None:
        """Tell the operator what is missing and what to do next."""
        missing = restoring.missing_images(found.rows)
        for row in missing:
            self.stdout.write(
                f"image {row['id']} ({row['name']}): its {row['size']} bytes are not in {settings.IMAGE_STORE}; they must have"
                f" {row['algorithm']} {row['checksum']}"
            )
        if missing:
            self.stdout.write("Put them there before anybody uses these images, or delete these images.")
        if not found.has_keys:
            self.stdout.write(
                "This backup holds no keys: those of this cloud stay, or are made anew where there are none."
            )
        self.stdout.write(
            "Restored. `make run` starts the cloud. Hosts that have served it since this backup are left as they are until you decide:"
            " `manage.py doctor` lists what only they know, `manage.py setaside adopt HOST` brings it into the database."
        )
