"""Makes new keys while the cloud runs: of the secret, the hosts, the consoles or the tokens (docs/howto/back-up-and-restore.md)."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from audit import records
from cloud import rotation
from cloud.backup import turn
from cloud.backup.errors import BackupError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("which", choices=("secret", "hosts", "consoles", "tokens"))
        parser.add_argument("--now", action="store_true", help="of tokens: every token of before ends at once")

    def handle(self, *args: object, which: str, now: bool, **options: object) -> None:
        at_once = now
        if at_once and which != "tokens":
            raise CommandError("--now is for tokens: whatever else is rotated takes its time, so that nothing is lost.")
        try:
            with turn.alone(f"a rotation of keys ({which})"):
                if which == "tokens":
                    done = rotation.tokens(self.stdout.write, at_once=at_once)
                else:
                    done = getattr(rotation, which)(self.stdout.write)
                records.by_command("keys_rotate", "renew", target=("data/security/keys", which, which))
        except BackupError as failure:
            raise CommandError(str(failure)) from failure
        old = "the tickets and links" if which == "consoles" else "the old keys"
        self.stdout.write(f"{done} A backup of before holds {old}: make a new one.")
