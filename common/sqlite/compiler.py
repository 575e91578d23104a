"""Django's compilers for SQLite, whose writes are watched."""

from django.db.models.sql import compiler
from django.db.models.sql.compiler import SQLAggregateCompiler, SQLCompiler

from common.watched import Delete, Insert, Update

__all__ = ["SQLAggregateCompiler", "SQLCompiler", "SQLDeleteCompiler", "SQLInsertCompiler", "SQLUpdateCompiler"]


class SQLInsertCompiler(Insert, compiler.SQLInsertCompiler): ...


class SQLUpdateCompiler(Update, compiler.SQLUpdateCompiler): ...


class SQLDeleteCompiler(Delete, compiler.SQLDeleteCompiler): ...
