"""Spans of statements to the database, within traces only: which table was read or written, never with what."""

import re
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from hostagent.process import tracing

_ABOUT = re.compile(r'\s*(\w+)(?:.*?\b(?:FROM|INTO|UPDATE)\s+"?(\w+))?', re.IGNORECASE | re.DOTALL)


def start(process: str) -> None:
    """Trace this process, if STACKLING_OTLP_ENDPOINT says so; to be called before its first statement."""
    tracing.start(process)
    if tracing.is_on():
        connection_created.connect(_watch, weak=False)


def _watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    if _statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement)


def _statement(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    if not tracing.is_within():
        return execute(sql, parameters, many, context)
    found = _ABOUT.match(sql[:4000])
    verb, table = (found[1].upper(), found[2] or "") if found else ("SQL", "")
    system = context["connection"].vendor
    with tracing.span(f"{verb} {table}".strip(), kind="client", db__system__name=system, db__collection__name=table):
        return execute(sql, parameters, many, context)
