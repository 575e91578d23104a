"""Modules that a process of this cloud does not load, to save memory."""

import sys


def without_unused_drivers() -> None:
    """Keep PostgreSQL's driver from being imported where the database is SQLite: it costs 8 MiB a process.

    Django REST framework imports it for field classes that nothing here uses.
    """
    from django.conf import settings

    if "postgresql" not in str(settings.DATABASES["default"]["ENGINE"]):
        sys.modules["psycopg"] = None  # type: ignore[assignment]
