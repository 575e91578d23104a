"""The place that an operator names."""

from pathlib import Path

from django.conf import settings

from cloud.backup.errors import BackupError
from cloud.backup.folders import Folder
from cloud.backup.places import Place


def place(text: str) -> Place:
    """Return the place that a command line or a setting names: a folder, or s3://bucket/prefix. Raises: BackupError."""
    if text.startswith("s3://"):
        from cloud.backup.s3 import Bucket  # late: boto3 costs 30 MiB and a second

        return Bucket(text)
    if "://" in text:
        raise BackupError(f"{text}: a backup goes to a folder, or to s3://bucket/prefix.")
    path = Path(text).expanduser().resolve()
    if path.is_relative_to(settings.DATA):
        raise BackupError(
            f"{path} lies in STACKLING_DATA: whatever takes that away takes the backup along. Name another folder."
        )
    return Folder(path)
