"""What every route of Keystone's API shares but its views: types on the wire, flags and filters of a query."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

PREFIX = "/api/identity/v3"
NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"[\S]+"}
NAME_64 = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"[\S]+"}
ID = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[a-zA-Z0-9-]+$"}
ID_OR_NULL = {"type": ["string", "null"], "maxLength": 64}
TEXT = {"type": ["string", "null"]}
BOOL = {"type": "boolean", "enum": [True, False]}
URL = {"type": "string", "minLength": 0, "maxLength": 225, "pattern": r"^[a-zA-Z0-9+.-]+:.+"}

_COMPARE = {
    "contains": "contains",
    "icontains": "icontains",
    "startswith": "startswith",
    "istartswith": "istartswith",
    "endswith": "endswith",
    "iendswith": "iendswith",
    "iexact": "iexact",
    "exact": "exact",
}
_TIMES = {"eq": "exact", "neq": "neq", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}


def truth(text: str) -> bool:
    """A flag of a query: absent value and anything but a no is yes, as Keystone reads it."""
    return text.strip().lower() not in ("0", "false", "no", "off")


def matching(rows: QuerySet[Any], query: Mapping[str, str], filters: Mapping[str, str]) -> QuerySet[Any]:
    """`rows` by the query's filters. `filters` is wire name → column; a column "?x" is a flag.

    ``name__contains`` and its like compare inside; unknown names are ignored, as Keystone does.
    """
    for key, value in query.items():
        name, __, way = key.partition("__")
        column = filters.get(name)
        if column is None or (way and way not in _COMPARE):
            continue
        if column.startswith("?"):
            rows = rows.filter(**{column[1:]: truth(value)})
        elif value == "" and not way:
            rows = rows.filter(Q(**{f"{column}__isnull": True}) | Q(**{column: ""}))
        else:
            rows = rows.filter(**{f"{column}__{_COMPARE[way or 'exact']}": value})
    return rows
