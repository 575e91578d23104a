"""Placement on the wire: the part of its API that schedulers, operators and tests use. Source: its API reference, 1.0 to 1.28."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import ProtectedError, Sum
from django.utils.http import http_date
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Conflict, Invalid, NotFound
from openstackapi import microversion, states
from openstackapi.fields import Field, Fields, Version
from openstackapi.links import link
from openstackapi.shapes import LINKS, Versioned, json_schema
from openstackapi.versioned import ByVersion, Names, Property, Span, body_schema
from openstackapi.views import Response, ServiceView
from placement import policies, queries, services
from placement.models import ResourceProvider


class PlacementNotFound(NotFound):
    template = _("%(reason)s")


class ProviderExists(Conflict):
    wire_type = "placement.duplicate_name"
    formerly = ("placement.duplicate_name",)
    template = _("Conflicting resource provider name: %(name)s already exists.")


class ProviderInUse(Conflict):
    wire_type = "placement.resource_provider.inuse"
    formerly = ("placement.resource_provider.inuse",)
    template = _("Unable to delete resource provider %(id)s: it has allocations.")


class ProviderHasChildren(Conflict):
    wire_type = "placement.resource_provider.cannot_delete_parent"
    formerly = ("placement.resource_provider.cannot_delete_parent",)
    template = _("Unable to delete parent resource provider %(id)s: It has child resource providers.")


class PlacementView(ServiceView):
    service = "placement"
    rules: ClassVar[Mapping[str, str]] = {}  # policy's, by method

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        rule = self.rules.get(
            "GET" if request.method == "HEAD" else request.method
        )  # none for a method that is refused
        if rule is not None and not self.anonymous:
            policy.require(self.actor, rule)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """From 1.15 on, answers say how old they are: as old as now, and nobody keeps them."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if not self.anonymous and getattr(self, "version", (0, 0)) in _DATED and response.status_code < 300:
            response["Last-Modified"], response["Cache-Control"] = http_date(), "no-cache"
        return response


_DATED = Span(since=(1, 15))


_VERSION = {"id": str, "status": str, "min_version": str, "max_version": str, "links": LINKS}


class Versions(PlacementView):
    anonymous = True
    answers = {"get": {200: {"versions": [_VERSION]}}}

    def get(self, request: object) -> Response:
        known = microversion.range_of("placement")
        assert known is not None
        version = {
            "id": "v1.0",
            "status": states.CURRENT,
            "min_version": microversion.text_of(known.minimum),
            "max_version": microversion.text_of(known.maximum),
            "links": [{"rel": "self", "href": ""}],
        }
        return Response({"versions": [version]})


# ── Providers ───────────────────────────────────────────────────────────────────────────────────────────────────────

URL = "/api/placement/resource_providers"
#: Links of a provider → version from which each is shown.
_PARTS = Names(
    {"inventories": (1, 0), "usages": (1, 0), "aggregates": (1, 1), "traits": (1, 6), "allocations": (1, 11)}
)


@dataclass
class _Row:
    """A provider, the links to its parts, and its place in a tree; the place is read when it is not given."""

    row: ResourceProvider
    links: list[dict[str, str]]
    trees: queries.Trees | None = None

    @cached_property
    def place(self) -> tuple[str | None, str]:
        return (self.trees or queries.roots())[self.row.id]


PROVIDER = Fields(
    "resource_provider",
    [
        Field("uuid", lambda one: one.row.id),
        Field("name", lambda one: one.row.name),
        Field("generation", lambda one: one.row.generation, type="integer"),
        Field("links", shown=json_schema(LINKS)),
        Field("parent_provider_uuid", lambda one: one.place[0], null=True, since=(1, 14)),
        Field("root_provider_uuid", lambda one: one.place[1], since=(1, 14)),
    ],
)


def shown(row: ResourceProvider, version: Version, trees: queries.Trees | None = None) -> dict[str, object]:
    """Build a provider on the wire. `trees` (queries.roots) is read when it is not given."""
    own = f"{URL}/{row.id}"
    links = [link("self", own), *(link(part, f"{own}/{part}") for part in _PARTS.at(version))]
    return PROVIDER.render(_Row(row, links, trees), version)


_NAME = Property("name", {"type": "string", "minLength": 1, "maxLength": 200}, required=True)
_ID = Property("uuid", {"type": "string", "format": "uuid"})
_PARENT = Property("parent_provider_uuid", {"type": ["string", "null"]}, since=(1, 14))
_CREATE = ByVersion({v: body_schema((_NAME, _ID, _PARENT), v) for v in ((1, 0), (1, 14))})
_RENAME = ByVersion({v: body_schema((_NAME, _PARENT), v) for v in ((1, 0), (1, 14))})


def _told(row: ResourceProvider, version: Version) -> Response:
    return Response(shown(row, version))


#: Answer of POST: empty, from 1.20 on the provider.
_MADE: ByVersion[Callable[[ResourceProvider, Version], Response]] = ByVersion(
    {(1, 0): lambda row, version: Response(status=201), (1, 20): _told}
)


class Providers(PlacementView):
    rules = {"GET": "placement:resource_providers:list", "POST": "placement:resource_providers:create"}
    bodies = {"post": _CREATE.newest}
    answers = {
        "get": {200: {"resource_providers": [PROVIDER]}},
        "post": {201: Versioned(None, until=(1, 19)), 200: Versioned(PROVIDER, since=(1, 20))},
    }
    queries = {"get": {name: Versioned(str, since) for name, since in queries.PROVIDERS.items()}}

    def get(self, request: Any) -> Response:
        queries.check(request.GET, queries.PROVIDERS, self.version)
        trees = queries.roots()
        found = queries.providers(request.GET, self.version, trees)
        return Response({"resource_providers": [shown(row, self.version, trees) for row in found]})

    def post(self, request: object) -> Response:
        data = self.body(_CREATE.at(self.version))
        with transaction.atomic():
            parent = _parent(data)
            if parent is not None and parent == data.get("uuid"):
                raise Invalid(reason=_("parent provider UUID cannot be same as UUID."))
            if ResourceProvider.objects.filter(name=data["name"]).exists():
                raise ProviderExists(name=data["name"])
            if "uuid" in data and ResourceProvider.objects.filter(id=data["uuid"]).exists():
                raise ProviderExists(name=data["uuid"])
            given = {"id": data["uuid"]} if "uuid" in data else {}
            row = ResourceProvider.objects.create(name=data["name"], parent_id=parent, **given)
        response = _MADE.at(self.version)(row, self.version)
        response["Location"] = f"{self.root()}{URL}/{row.id}"
        return response


def _parent(data: dict[str, Any]) -> str | None:
    """The parent that a body names. Raises: Invalid where there is no such provider."""
    parent: str | None = data.get("parent_provider_uuid")
    if parent is not None and not ResourceProvider.objects.select_for_update().filter(id=parent).exists():
        raise Invalid(reason=_("parent provider UUID does not exist."))
    return parent


def _adopt(row: ResourceProvider, data: dict[str, object]) -> None:
    """Give a provider its parent, once and for all. Raises: Invalid."""
    parent = _parent(data)
    if row.parent_id is not None and parent != row.parent_id and "parent_provider_uuid" in data:
        raise Invalid(reason=_("re-parenting a provider is not currently allowed."))
    if parent is None or parent == row.parent_id:
        return
    if queries.roots()[parent][1] == row.id:
        raise Invalid(reason=_("creating loop in the provider tree is not allowed."))
    row.parent_id = parent


class Provider(PlacementView):
    rules = policies.PROVIDER
    bodies = {"put": _RENAME.newest}
    answers = {"get": {200: PROVIDER}, "put": {200: PROVIDER}}

    def get(self, request: object, id: str) -> Response:
        return Response(shown(services.provider(id), self.version))

    def put(self, request: object, id: str) -> Response:
        data = self.body(_RENAME.at(self.version))
        name = data["name"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            if ResourceProvider.objects.filter(name=name).exclude(id=id).exists():
                raise ProviderExists(name=name)
            row.name = name
            _adopt(row, data)
            row.save(update_fields=["name", "parent"])
        return Response(shown(row, self.version))

    def delete(self, request: object, id: str) -> Response:
        try:
            with transaction.atomic():
                row = services.provider(id, lock=True)
                if row.children.exists():
                    raise ProviderHasChildren(id=id)
                row.delete()
        except ProtectedError:
            raise ProviderInUse(id=id) from None
        return Response(status=204)


class Usages(PlacementView):
    rules = {"GET": "placement:resource_providers:usages"}
    answers = {"get": {200: {"resource_provider_generation": int, "usages": {str: int}}}}

    def get(self, request: object, id: str) -> Response:
        row = services.provider(id)
        used = dict.fromkeys(row.inventories.order_by("resource_class").values_list("resource_class", flat=True), 0)
        sums = row.allocations.values("resource_class").annotate(amount=Sum("used"))
        used.update({r["resource_class"]: r["amount"] for r in sums})
        return Response({"resource_provider_generation": row.generation, "usages": used})
