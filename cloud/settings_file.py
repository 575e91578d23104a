"""`keys/settings`: settings that are secrets, in a file that only the cloud's processes read, not in an environment.

`make run` writes it from what it was given (environment, .env); cloud/settings.py reads it. NAME=value, one a line.
"""

import os
from functools import cache
from pathlib import Path

#: Addresses that may hold a password, and keys: what must not stand in an environment.
SECRETS = (
    "DATABASE_URL",
    "BROKER_URL",
    "CHANNEL_URL",
    "STACKLING_SECRET_KEY",
    "STACKLING_METRICS_TOKEN",
    "STACKLING_BACKUP_S3_ACCESS_KEY",
    "STACKLING_BACKUP_S3_SECRET_KEY",
)
NAME = Path("keys", "settings")


def text(found: dict[str, str]) -> str:
    """The file's text. Raises: ValueError for a value of more than one line."""
    if wrong := [name for name, value in found.items() if "\n" in value]:
        raise ValueError(f"{wrong[0]} has more than one line")
    return "".join(f"{name}={value}\n" for name, value in found.items() if value)


@cache
def read(data: Path) -> dict[str, str]:
    """What the file says; nothing where it is not there, or not for us to read."""
    try:
        lines = (data / NAME).read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def get(name: str, data: Path) -> str:
    """A setting: from the environment, else from the file. "" for none."""
    return os.environ.get(name, "") or (read(data).get(name, "") if name in SECRETS else "")
