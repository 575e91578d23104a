"""`manage.py image_build_demo`: makes the demo images, or finds them made."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.demo.build import build


class Command(BaseCommand):
    help = "Builds demo.qcow2 and demo-alt.qcow2 (with demo-kernel and demo-initrd) from Debian's packages."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        data = Path(os.environ.get("STACKLING_DATA") or "var")
        parser.add_argument("--out", type=Path, default=data / "cache" / "demo", help="folder of the finished files")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            built = build(options["out"])
        except RuntimeError as failure:
            raise CommandError(str(failure)) from failure
        for path in (*built.images.values(), built.kernel, built.initrd):
            self.stdout.write(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
