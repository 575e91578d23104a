"""What every route of Keystone's API shares: links, envelopes, filters, pages."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from common.errors import Forbidden, Invalid, NotFound
from openstackapi import links
from openstackapi.views import ServiceView

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


class OnlyElsewhere(Forbidden):
    template = "EC2 credential tokens cannot be used for authorization."


class NoMarker(NotFound):
    template = _("Marker %(id)s could not be found.")


class IdentityView(ServiceView):
    """The base of identity's views: absolute links with the client's own host."""

    service: ClassVar[str] = "identity"

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        actor = request._request.actor
        if actor is not None and "ec2credential" in actor.methods:  # good at other services only, as in Keystone
            raise OnlyElsewhere()

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {"Vary": "X-Auth-Token", "Allow": ", ".join(self.allowed_methods)}

    def url(self, path: str) -> str:
        return links.root(self.request._request) + PREFIX + path

    def linked(self, body: dict[str, Any], path: str) -> dict[str, Any]:
        """`body` with its own self link."""
        return {**body, "links": {"self": self.url(path)}}

    def collection(self, key: str, bodies: Iterable[dict[str, Any]], next_url: str | None = None) -> Response:
        request = self.request._request
        own = links.root(request) + request.get_full_path()
        body = {key: list(bodies), "links": {"next": next_url, "self": own, "previous": None}}
        return Response({**body, "truncated": True} if next_url else body)

    def page(self, rows: QuerySet[Any], most: int | None = None) -> tuple[list[Any], str | None]:
        """The rows of the page asked for by `limit` and `marker` (ordered by id), and the address of the next one."""
        query = self.request._request.GET
        text = query.get("limit", "")
        if text and not text.isdigit():
            raise Invalid(reason=f"Invalid input for field/attribute limit. Value: {text}.")
        rows = rows.order_by("id")
        if query.get("marker"):
            if not rows.model._default_manager.filter(pk=query["marker"]).exists():
                raise NoMarker(id=query["marker"])
            rows = rows.filter(pk__gt=query["marker"])
        limit = int(text) if text and int(text) else None
        if limit is None:
            return list(rows), None
        found = list(rows[: limit + 1])
        if len(found) <= limit:
            return found, None
        params = [(key, value) for key, values in query.lists() for value in values if key != "marker"]
        here = links.root(self.request._request) + self.request._request.path
        return found[:limit], links.with_query(here, [*params, ("marker", found[limit - 1].pk)])
