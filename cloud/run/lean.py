"""Modules that a process of this cloud does not load, to save memory."""

import sys


def without_unused_drivers() -> None:
    """Where the database is SQLite, PostgreSQL's driver is as good as not installed: 8 MiB a process.

    Django REST framework asks for it, for the sake of field classes that nothing here uses.
    """
    from django.conf import settings

    if "postgresql" not in str(settings.DATABASES["default"]["ENGINE"]):
        sys.modules["psycopg"] = None  # type: ignore[assignment]
