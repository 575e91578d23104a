"""manage.py token_keys_rotate: a new signing key; tokens of the last rotations stay good until they expire."""

from typing import Any

from django.core.management.base import BaseCommand

from identity import tokenkeys


class Command(BaseCommand):
    help = "Rotate the keys that sign tokens. Run it no more often than tokens live, or younger tokens stop counting."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Tokens are now signed with key {tokenkeys.rotate()}.")
