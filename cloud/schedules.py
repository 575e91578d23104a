"""The nightly backup."""

from cloud.backup import nightly as backup
from operations import background, periodic


def register() -> None:
    background.register(backup.KIND, backup.run, pool="bulk")
    periodic.every(3600.0, "backup", backup.look)
