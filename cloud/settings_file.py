"""`keys/settings…`: settings that are secrets, in files that only those of the cloud's processes read who need them, not in an environment.

`make run` writes them from what it was given (environment, .env); cloud/settings.py reads what its process may. NAME=value, one a line.
"""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

#: File → addresses that may hold a password, and keys: what must not stand in an environment. cloud/run/users.py says which user reads which file.
FILES = {
    "keys/settings": ("DATABASE_URL", "CHANNEL_URL", "STACKLING_SECRET_KEY"),
    "keys/settings.api": ("BROKER_URL",),
    "keys/settings.web": ("STACKLING_METRICS_TOKEN",),
    "keys/settings.control": ("STACKLING_BACKUP_S3_ACCESS_KEY", "STACKLING_BACKUP_S3_SECRET_KEY"),
}
SECRETS = tuple(name for names in FILES.values() for name in names)


def text(found: dict[str, str]) -> str:
    """Return the file's text. Raises: ValueError for a value of more than one line."""
    if wrong := [name for name, value in found.items() if "\n" in value]:
        raise ValueError(f"{wrong[0]} has more than one line")
    return "".join(f"{name}={value}\n" for name, value in found.items() if value)


@cache
def read(data: Path) -> dict[str, str]:
    """Read the settings in all files; one that is absent, or not for us to read, adds none."""
    lines: list[str] = []
    for name in FILES:
        with suppress(FileNotFoundError, PermissionError):
            lines += (data / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def get(name: str, data: Path) -> str:
    """Find a setting: from the environment, else from the file. "" for none."""
    return os.environ.get(name, "") or (read(data).get(name, "") if name in SECRETS else "")
