"""`manage.py shell_external -- CMD …`: runs CMD where floating IPs are reachable."""

import json
import os
import subprocess
import sys
from argparse import REMAINDER, ArgumentParser
from pathlib import Path
from typing import NoReturn, cast

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Runs a command in the namespace that holds the external end (STACKLING_NETNS), or here when there is none."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="what it said and how it ended, once it ends")
        parser.add_argument("command", nargs=REMAINDER, help="-- CMD and its arguments; without one, a shell")

    def handle(self, *args: object, **options: object) -> None:
        command = [word for n, word in enumerate(cast(list[str], options["command"])) if n or word != "--"] or [
            os.environ.get("SHELL", "/bin/sh")
        ]
        namespace = os.environ.get("STACKLING_NETNS", "")
        if namespace:
            if not (Path("/run/netns") / namespace).exists():
                raise CommandError(f"Namespace {namespace} is not there: the cloud was never started with it.")
            sudo = [] if os.geteuid() == 0 else ["sudo", "--preserve-env"]
            command = [*sudo, "ip", "netns", "exec", namespace, *command]
        try:
            if options["json"]:
                self._tell(command)
            os.execvp(command[0], command)
        except FileNotFoundError:
            raise CommandError(f"{command[0]} is not installed here.") from None

    def _tell(self, command: list[str]) -> NoReturn:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        said = {"returncode": ended.returncode, "stdout": ended.stdout, "stderr": ended.stderr}
        self.stdout.write(json.dumps(said, indent=2))
        sys.exit(ended.returncode)
