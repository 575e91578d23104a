"""Every write that goes through Django's ORM passes one of three compilers, whoever makes it: save(), update(), bulk_create(),
what a relation adds, delete() and what a deletion takes along. A watcher sees them there, and once more before the commit.

Backends of the cloud (common.sqlite, common.postgresql) have these compilers. Without a watcher they are Django's own.
Source: django.db.models.sql.compiler; BaseDatabaseOperations.compiler_module; BaseDatabaseWrapper.commit.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from django.db import DatabaseError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


class Watcher(Protocol):
    """Observes writes. `updating` and `deleting` run before the write and return what they read; `inserted` and `updated` run after."""

    def wants(self, model: type[models.Model]) -> bool: ...

    def inserted(self, compiler: object) -> None: ...

    def updating(self, compiler: object) -> object: ...

    def updated(self, compiler: object, before: object) -> None: ...

    def deleting(self, compiler: object) -> None: ...

    def committing(self, connection: BaseDatabaseWrapper) -> None: ...


_watcher: Watcher | None = None
_before_commit: list[Callable[[BaseDatabaseWrapper], None]] = []


def before_commit(write: Callable[[BaseDatabaseWrapper], None]) -> None:
    """Have `write(connection)` called in the last moment of a transaction that has something to do after its commit."""
    if write not in _before_commit:
        _before_commit.append(write)


def use(watcher: Watcher | None) -> None:
    global _watcher
    _watcher = watcher


def _wanted(compiler: object) -> bool:
    assert isinstance(compiler, SQLCompiler) and compiler.query.model is not None
    return _watcher is not None and _watcher.wants(compiler.query.model)


class Insert:
    """A mixin for SQLInsertCompiler."""

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        if not _wanted(self):
            return super().execute_sql(*args, **kwargs)  # type: ignore[misc]
        with _together(self):
            found = super().execute_sql(*args, **kwargs)  # type: ignore[misc]
            _watcher.inserted(self)  # type: ignore[union-attr]
        return found


class Update:
    """A mixin for SQLUpdateCompiler."""

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        if not _wanted(self):
            return super().execute_sql(*args, **kwargs)  # type: ignore[misc]
        with _together(self):
            before = _watcher.updating(self)  # type: ignore[union-attr]
            found = super().execute_sql(*args, **kwargs)  # type: ignore[misc]
            if before:
                _watcher.updated(self, before)  # type: ignore[union-attr]
        return found


class Delete:
    """A mixin for SQLDeleteCompiler."""

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        if not _wanted(self):
            return super().execute_sql(*args, **kwargs)  # type: ignore[misc]
        with _together(self):
            _watcher.deleting(self)  # type: ignore[union-attr]
            return super().execute_sql(*args, **kwargs)  # type: ignore[misc]


def _together(compiler: object) -> AbstractContextManager[object]:
    """A transaction for a statement that has none, so that what is written about it is committed with it or not at all."""
    assert isinstance(compiler, SQLCompiler)
    if compiler.connection.in_atomic_block:
        return nullcontext()
    return transaction.atomic(using=compiler.using)


class Commits:
    """A mixin for DatabaseWrapper: the watcher's last word in a transaction. If it fails, nothing is committed."""

    def commit(self) -> None:
        assert isinstance(self, BaseDatabaseWrapper)
        if self.run_on_commit:
            try:
                if _watcher is not None:
                    _watcher.committing(self)
                for write in _before_commit:
                    write(self)
            except DatabaseError:
                raise
            except Exception as error:
                # Atomic rolls back for a DatabaseError only; after anything else it would leave the transaction open.
                raise DatabaseError(f"what was to be written about a change could not be: {error}") from error
        super().commit()  # type: ignore[misc]
