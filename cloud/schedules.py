"""The nightly backup."""

from django.conf import settings

from cloud.backup import nightly as backup
from operations import background, nightly, periodic


def register() -> None:
    background.register(backup.KIND, backup.run, pool="bulk")
    nightly.each_night(backup.KIND, lambda: bool(settings.BACKUP_TO))
    periodic.register(3600.0, "backup", backup.look)
