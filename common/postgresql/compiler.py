"""Django's compilers for PostgreSQL, whose writes are watched."""

from django.db.backends.postgresql import compiler
from django.db.backends.postgresql.compiler import SQLAggregateCompiler, SQLCompiler

from common.watched import Delete, Insert, Update

__all__ = ["SQLAggregateCompiler", "SQLCompiler", "SQLDeleteCompiler", "SQLInsertCompiler", "SQLUpdateCompiler"]


class SQLInsertCompiler(Insert, compiler.SQLInsertCompiler): ...


class SQLUpdateCompiler(Update, compiler.SQLUpdateCompiler): ...


class SQLDeleteCompiler(Delete, compiler.SQLDeleteCompiler): ...
