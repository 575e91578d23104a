"""Restores the rows that migrations leave, after a test with real commits has emptied the database.

Django's `flush` works out content types and permissions anew for every model, which was a seventh of such a test's CPU. They
are the same each time: worked out once in a process, then written back as rows.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import models, transaction

Emit = Callable[..., None]


class Remains:
    """Replaces django.core.management.sql.emit_post_migrate_signal for the command `flush`."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._rows: list[list[models.Model]] | None = None

    def __call__(self, verbosity: int, interactive: bool, db: str, **more: Any) -> None:
        from django.apps import apps
        from django.contrib.contenttypes.models import ContentType

        if self._rows is None:
            self._emit(verbosity, interactive, db, **more)
            every = (list(model._base_manager.using(db).all()) for model in apps.get_models() if model._meta.managed)
            self._rows = [rows for rows in every if rows]
            return
        with transaction.atomic(using=db):  # foreign keys are checked at its end
            for rows in self._rows:
                type(rows[0])._base_manager.using(db).bulk_create(rows)
        ContentType.objects.clear_cache()


@pytest.fixture(autouse=True, scope="session")
def remains_are_written_back() -> None:
    flush.emit_post_migrate_signal = Remains(flush.emit_post_migrate_signal)
