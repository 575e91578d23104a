"""Compares rows with what hosts have: servers, disks, taps, namespaces, claims. Needs the cloud to run."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from hosts.doctor import examine


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="put right what can be")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = examine(apply=options["apply"])
        if options["json"]:
            self.stdout.write(json.dumps({"findings": [asdict(f) for f in found], "ok": not found}, indent=2))
        for finding in found if not options["json"] else ():
            mended = "  (mended)" if finding.mended else ""
            self.stdout.write(f"{finding.host}  {finding.kind}  {finding.id}  {finding.text}{mended}")
        if not found and not options["json"]:
            self.stdout.write("All is as it should be.")
        if [f for f in found if not f.mended]:
            sys.exit(1)
