"""One resource of Neutron's API as data, and the two views that every resource shares.

Neutron is uniform: a list with filters, `fields`, sorting and pages; create, also in bulk; show, update, delete. A resource
says what is its own: fields, rows, filters, services.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from common import moments
from common.actor import Actor
from common.errors import Invalid
from common.numbers import wholes
from common.truth import truth
from identity import policy
from networking.conversions import converted
from networking.standard import Tag
from openstackapi import bodies, links
from openstackapi.fields import Fields
from openstackapi.pagination import LARGEST
from openstackapi.views import Page, Response, ServiceView

Rows: TypeAlias = QuerySet[Any]
Filter = Callable[[Rows, list[str]], Rows]


class BadBody(Invalid):
    wire_type = "HTTPBadRequest"
    formerly = ("HTTPBadRequest",)
    template = _("Unable to find '%(name)s' in request body.")


class InvalidFilter(Invalid):
    wire_type = "HTTPBadRequest"
    formerly = ("HTTPBadRequest",)
    template = _("Invalid input for %(name)s: %(value)s.")


@dataclass(frozen=True)
class Resource:
    """`rows(objects)` makes wire dicts of model rows; `arguments` maps wire names to the services' keywords.

    `columns` maps wire names to columns: what one may filter and sort by. `spelled` maps wire names to what brings a text
    into the spelling that is kept, in bodies and filters. A missing service: the verb is not offered.
    """

    name: str
    plural: str
    fields: Fields
    visible: Callable[[Actor], Rows]
    rows: Callable[[Sequence[Any]], list[dict[str, Any]]]
    find: Callable[[Actor, str], Model]
    columns: dict[str, str]
    filters: dict[str, Filter] = field(default_factory=dict)
    spelled: dict[str, Callable[[str], str]] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    create: Callable[..., Model] | None = None
    update: Callable[..., Model] | None = None
    delete: Callable[[Actor, str], None] | None = None

    @property
    def kind(self) -> str:
        """The plural in the URL, which is also the kind of its tags."""
        return self.plural.replace("_", "-") if self.plural.startswith("security") else self.plural

    def as_arguments(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """A request's attributes as the services' keywords. `tenant_id` is the old name of `project_id`."""
        renamed = {"tenant_id": "project_id", **self.arguments}
        return {renamed.get(name, name): self._spelled(name, value) for name, value in attributes.items()}

    def _spelled(self, name: str, value: Any) -> Any:
        return self.spelled[name](value) if name in self.spelled and isinstance(value, str) else value

    def shown(self, objects: Sequence[Any], actor: Actor, only: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Model rows as this actor may see them; `only` these fields if any are named."""
        rendered = self.fields.render_many(self.rows(objects), actor=actor)
        if not only:
            return rendered
        wanted = set(only)
        return [{name: value for name, value in row.items() if name in wanted} for row in rendered]


def as_bool(text: str) -> bool:
    return bool(truth(text))


def _values(column_type: str, name: str, values: list[str]) -> list[Any]:
    if column_type == "BooleanField":
        return [as_bool(value) for value in values]
    if column_type in ("IntegerField", "BigIntegerField"):
        if (numbers := wholes(values)) is None:
            raise InvalidFilter(name=name, value=values)
        return numbers
    return values


def filter_rows(resource: Resource, rows: Rows, params: dict[str, list[str]]) -> Rows:
    """The rows that fit every parameter; the values of one parameter are alternatives. Unknown ones are left aside."""
    for name, values in params.items():
        values = [resource.spelled[name](value) for value in values] if name in resource.spelled else values
        if name in resource.filters:
            rows = resource.filters[name](rows, values)
        elif name in resource.columns:
            rows = rows.filter(_fits(resource.columns[name], rows.model, name, values))
    return _filter_times(_filter_tags(resource, rows, params), params)


def _fits(column: str, model: type[Model], name: str, values: list[str]) -> Q:
    """One of `values`, which are read as the column's type. Raises: InvalidFilter."""
    kind = _column_type(model, column)
    if kind != "DateTimeField":
        return Q(**{f"{column}__in": _values(kind, name, values)})
    return Q(*(moments.compared(column, "eq", _moment(name, value)) for value in values), _connector=Q.OR)


def _moment(name: str, text: str) -> datetime:
    moment = moments.parsed(text)
    if moment is None:
        raise InvalidFilter(name=name, value=text)
    return moment


def _column_type(model: type[Model], column: str) -> str:
    parts = column.split("__")
    found: Any = model._meta.get_field(parts[0])
    for part in parts[1:]:
        found = found.related_model._meta.get_field(part)
    return str(found.get_internal_type())


def _filter_tags(resource: Resource, rows: Rows, params: dict[str, list[str]]) -> Rows:
    """tags: all of them; tags-any: one of them; not-tags: not all of them; not-tags-any: none of them."""

    def having(tag: str) -> Any:
        return Tag.objects.filter(kind=resource.kind, tag=tag).values("resource_id")

    def split(name: str) -> list[str]:
        return [tag for value in params.get(name, []) for tag in value.split(",") if tag]

    for tag in split("tags"):
        rows = rows.filter(pk__in=having(tag))
    if some := split("tags-any"):
        rows = rows.filter(pk__in=Tag.objects.filter(kind=resource.kind, tag__in=some).values("resource_id"))
    if every := split("not-tags"):
        both = rows
        for tag in every:
            both = both.filter(pk__in=having(tag))
        rows = rows.exclude(pk__in=both.values("pk"))
    if none := split("not-tags-any"):
        rows = rows.exclude(pk__in=Tag.objects.filter(kind=resource.kind, tag__in=none).values("resource_id"))
    return rows


def _filter_times(rows: Rows, params: dict[str, list[str]]) -> Rows:
    for text in params.get("changed_since", []):
        rows = rows.filter(moments.compared("updated_at", "gte", _moment("changed_since", text)))
    return rows


class NetworkView(ServiceView):
    """A route of the network service."""

    service = "network"

    def only(self) -> list[str]:
        """The fields that `fields=` names, repeated or with commas."""
        return [name for value in self.request.GET.getlist("fields") for name in value.split(",") if name]


class CollectionView(NetworkView):
    """``/v2.0/<plural>``."""

    resource: ClassVar[Resource]

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "network:list")
        resource = self.resource
        page = Page.from_request(
            request._request,
            sort_keys=resource.columns,
            default_sort=(("created_at", "asc"),) if "created_at" in resource.columns else (),
            maximum=LARGEST,
            zero_is_all=True,
        )
        params = {name: values for name, values in request.GET.lists() if name not in RESERVED}
        rows = filter_rows(resource, resource.visible(self.actor), params)
        objects = page.cut(list(page.apply(rows)))
        body: dict[str, Any] = {resource.plural: resource.shown(objects, self.actor, self.only())}
        if (page.asked_limit and page.limit < LARGEST) or page.more or page.marker:
            body[f"{resource.plural}_links"] = self._links(page, objects)
        return Response(body)

    def _links(self, page: Page, objects: list[Any]) -> list[dict[str, str]]:
        """next while more may follow, previous when a marker was given; each with the id of the row at that end."""
        out: list[dict[str, str]] = []
        base = links.root(self.request._request) + self.request._request.path
        if not objects:
            return out
        has_next = page.more if not page.reverse else page.marker is not None
        has_previous = page.more if page.reverse else page.marker is not None
        if has_next:
            out.append(links.link("next", links.with_query(base, [*page.params, ("marker", str(objects[-1].pk))])))
        if has_previous:
            query = [*page.params, ("marker", str(objects[0].pk)), ("page_reverse", "True")]
            out.append(links.link("previous", links.with_query(base, query)))
        return out

    def post(self, request: Any) -> Response:
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

    def _create(self, attributes: Any) -> Model:
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

    def get(self, request: Any, id: str) -> Response:
        policy.require(self.actor, "network:list")
        found = self.resource.find(self.actor, id)
        return Response({self.resource.name: self.resource.shown([found], self.actor, self.only())[0]})

    def put(self, request: Any, id: str) -> Response:
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

    def delete(self, request: Any, id: str) -> Response:
        assert self.resource.delete is not None
        self.resource.delete(self.actor, id)
        return Response(status=204)


def views(resource: Resource) -> tuple[type[CollectionView], type[MemberView]]:
    """The two view classes of a resource, without the verbs it has no service for."""
    answer = resource.fields.json_schema()
    one = {"type": "object", "properties": {resource.name: answer}}
    many = {"type": "object", "properties": {resource.plural: {"type": "array", "items": answer}}}
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
            "answers": {"get": many, "post": one},
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
            "answers": {"get": one, "put": one},
        },
    )
    return collection, member
