"""One resource of Neutron's API as data, and the two views that every resource shares.

Neutron is uniform: a list with filters, `fields`, sorting and pages; create, also in bulk; show, update, delete. A resource
says what is its own: fields, rows, filters, services.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Model, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from authorization import policy
from authorization.context import RequestContext
from common import moments
from common.errors import Invalid
from networking.conversions import converted
from networking.standard import Tag
from openstackapi import bodies
from openstackapi import resource as rest
from openstackapi.pagination import NEUTRON
from openstackapi.resource import Params, Rows, fields_asked, filter_tags
from openstackapi.shapes import LINKS, PAGE
from openstackapi.views import Page, Response, ServiceView


class BadBody(Invalid):
    wire_type = "HTTPBadRequest"
    formerly = ("HTTPBadRequest",)
    template = _("Unable to find '%(name)s' in request body.")


class InvalidFilter(Invalid):
    wire_type = "HTTPBadRequest"
    formerly = ("HTTPBadRequest",)
    template = _("Invalid input for %(name)s: %(value)s.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(rest.Resource[Any]):
    """A resource with Neutron's additions: `visible` rows of an actor, tags, and the services of the verbs, of which a missing one is not offered.

    `rows(objects)` reads what an answer has of model rows; `arguments` maps wire names to the services' keywords.
    """

    bad_filter = InvalidFilter

    rows: Callable[[Sequence[Any]], list[dict[str, object]]]
    visible: Callable[[RequestContext], Rows]
    find: Callable[[RequestContext, str], Model]
    arguments: dict[str, str] = field(default_factory=dict)
    create: Callable[..., Model] | None = None
    update: Callable[..., Model] | None = None
    delete: Callable[[RequestContext, str], None] | None = None

    @property
    def kind(self) -> str:
        """The plural in the URL, which is also the kind of its tags."""
        return self.plural.replace("_", "-") if self.plural.startswith("security") else self.plural

    def page(self, request: HttpRequest) -> Page:
        """Read the page that is asked for: sorted by any column, the oldest first. Raises: BadLimit, BadSortKey."""
        oldest_first = (("created_at", "asc"),) if "created_at" in self.columns else ()
        return Page.from_request(request, sort_keys=self.columns, default_sort=oldest_first, paging=NEUTRON)

    def as_arguments(self, attributes: dict[str, object]) -> dict[str, object]:
        """Build a request's attributes as the services' keywords. `tenant_id` is the old name of `project_id`."""
        renamed = {"tenant_id": "project_id", **self.arguments}
        return {renamed.get(name, name): self.spell(name, value) for name, value in attributes.items()}

    def rendered(self, objects: Sequence[object], actor: RequestContext | None) -> list[dict[str, object]]:
        return self.fields.render_many(self.rows(objects), actor=actor)

    def filtered(self, rows: Rows, params: Params) -> Rows:
        rows = filter_tags(super().filtered(rows, params), params, self._tagged)
        for text in params.get("changed_since", ()):
            rows = rows.filter(moments.compared("updated_at", "gte", self.moment("changed_since", text)))
        return rows

    def _tagged(self, tags: Sequence[str]) -> Q:
        return Q(pk__in=Tag.objects.filter(kind=self.kind, tag__in=tags).values("resource_id"))


class NetworkView(ServiceView):
    """A route of the network service."""

    service = "network"


class CollectionView(NetworkView):
    """``/v2.0/<plural>``."""

    resource: ClassVar[Resource]

    def get(self, request: Request) -> Response:
        policy.require(self.actor, f"get_{self.resource.name}")
        resource = self.resource
        page = resource.page(request._request)
        params = {name: values for name, values in request.GET.lists() if name not in RESERVED}
        objects = page.read(resource.filtered(resource.visible(self.actor), params))
        body: dict[str, object] = {resource.plural: resource.shown(objects, self.actor, fields_asked(request.GET))}
        if (page.asked_limit and page.limit != NEUTRON.largest) or page.more or page.marker:
            body[f"{resource.plural}_links"] = page.both_links(request._request, [str(row.pk) for row in objects])
        return Response(body)

    def post(self, request: Request) -> Response:
        """Create one, or several at once: all of them or none."""
        resource = self.resource
        assert resource.create is not None
        data = self.body({"type": "object"}) or {}
        if resource.plural in data:
            bodies.validate(data, {"type": "object", "properties": {resource.plural: {"type": "array", "minItems": 1}}})
            with transaction.atomic():
                made = [self._create(item) for item in data[resource.plural]]
            return Response({resource.plural: resource.shown(made, self.actor)}, status=201)
        if resource.name not in data:
            raise BadBody(name=resource.name)
        made_one = self._create(data[resource.name])
        return Response({resource.name: resource.shown([made_one], self.actor)[0]}, status=201)

    def _create(self, attributes: object) -> Model:
        resource = self.resource
        assert resource.create is not None
        schema = resource.fields.create_schema()
        data = converted({resource.name: attributes}, schema)
        bodies.validate(data, schema)
        return resource.create(self.actor, **resource.as_arguments(data[resource.name]))


RESERVED = frozenset({"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir", "sort"})


class MemberView(NetworkView):
    """``/v2.0/<plural>/<id>``."""

    resource: ClassVar[Resource]

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, f"get_{self.resource.name}")
        found = self.resource.find(self.actor, id)
        return Response({self.resource.name: self.resource.shown([found], self.actor, fields_asked(request.GET))[0]})

    def put(self, request: Request, id: str) -> Response:
        resource = self.resource
        assert resource.update is not None
        data = self.body({"type": "object"}) or {}
        if resource.name not in data:
            raise BadBody(name=resource.name)
        resource.find(self.actor, id)  # what is not there is 404, however wrong the body is
        schema = resource.fields.update_schema()
        data = converted(data, schema)
        bodies.validate(data, schema)
        changed = resource.update(self.actor, id, **resource.as_arguments(data[resource.name]))
        return Response({resource.name: resource.shown([changed], self.actor)[0]})

    def delete(self, request: Request, id: str) -> Response:
        assert self.resource.delete is not None
        self.resource.delete(self.actor, id)
        return Response(status=204)


def views(resource: Resource) -> tuple[type[CollectionView], type[MemberView]]:
    """Return the two view classes of a resource, without the verbs it has no service for."""
    one, many = {resource.name: resource.fields}, {resource.plural: [resource.fields]}
    asked = ("fields", "page_reverse", *resource.columns, *resource.filters)
    title = resource.name.title().replace("_", "")
    methods = ["get", "options"]
    collection = type(
        f"{title}Collection",
        (CollectionView,),
        {
            "resource": resource,
            "__doc__": f"List {resource.plural}, or create.",
            "http_method_names": [*methods, *(["post"] if resource.create else [])],
            "bodies": {"post": resource.fields.create_schema()} if resource.create else {},
            "answers": {
                "get": {200: {**many, f"{resource.plural}_links?": LINKS}},
                "post": {201: {f"{name}?": shape for name, shape in (one | many).items()}},
            },
            "queries": {"get": {**PAGE, **dict.fromkeys(asked, str)}},
        },
    )
    member = type(
        f"{title}Member",
        (MemberView,),
        {
            "resource": resource,
            "__doc__": f"Show, change or delete one of {resource.plural}.",
            "http_method_names": [
                *methods,
                *(["put"] if resource.update else []),
                *(["delete"] if resource.delete else []),
            ],
            "bodies": {"put": resource.fields.update_schema()} if resource.update else {},
            "answers": {"get": {200: one}, "put": {200: one}},
            "queries": {"get": {"fields": str}},
        },
    )
    return collection, member
