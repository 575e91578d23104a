"""Django's connection to PostgreSQL, whose writes are watched (common.watched)."""

from django.db.backends.postgresql import base, operations

from common.watched import Commits


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "common.postgresql.compiler"


class DatabaseWrapper(Commits, base.DatabaseWrapper):
    ops_class = DatabaseOperations
