"""Identity's views: links, envelopes and pages of every route, and the two views that serve a resource."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from common.errors import Forbidden
from identity.resource import Resource, Values
from identity.wire import PREFIX
from openstackapi import links
from openstackapi.pagination import KEYSTONE, Page
from openstackapi.shapes import PAGE, Answers, With
from openstackapi.views import ServiceView

M = TypeVar("M", bound=Model)


#: Links of one thing.
SELF: Final = {"self": str}


def shown(resource: Resource[Any], links: Mapping[str, object] = SELF) -> With:
    """Declare how a resource is shown; what its body has beside the fields is shown too, where it is kept."""
    kept: dict[object, object] = {str: object} if resource.keeps_extra else {}
    return With(resource.fields, {"links": links, **kept})


def collected(key: str, item: object) -> dict[str, object]:
    """Declare what `IdentityView.collection` answers."""
    return {key: [item], "links": {"next": str | None, "self": str, "previous": None}, "truncated?": bool}


class OnlyElsewhere(Forbidden):
    template = _("EC2 credential tokens cannot be used for authorization.")


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

    def collection(self, key: str, bodies: Iterable[dict[str, object]], next_url: str | None = None) -> Response:
        request = self.request._request
        own = links.root(request) + request.get_full_path()
        body = {key: list(bodies), "links": {"next": next_url, "self": own, "previous": None}}
        return Response({**body, "truncated": True} if next_url else body)

    def page(self, rows: QuerySet[M]) -> tuple[list[M], str | None]:
        """Return the rows of the page asked for by `limit` and `marker` (ordered by id), and the address of the next one.

        The marker may be any row of the table: what it was listed for may have changed since. Raises: BadLimit, NoMarker.
        """
        request = self.request._request
        page = Page.from_request(request, default_sort=(("id", "asc"),), paging=KEYSTONE)
        found = page.read(rows, markers=rows.model._default_manager.all())
        return found, page.next_href(request, str(found[-1].pk)) if page.more else None


class ListView(IdentityView):
    """GET and POST of a collection. `linked_to`: the links of each thing in it."""

    resource: ClassVar[Resource[Any]]
    linked_to: ClassVar[Mapping[str, object]] = SELF

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Declare what the resource says of the two, where the class does not say otherwise."""
        super().__init_subclass__(**kwargs)
        if "resource" in cls.__dict__:
            resource, one = cls.resource, shown(cls.resource, cls.linked_to)
            made: dict[str, Answers] = {
                "get": {200: collected(resource.plural, one)},
                "post": {201: {resource.fields.name: one}},
            }
            cls.answers = {**made, **cls.__dict__.get("answers", {})}
            create = resource.fields.create_schema(extra=resource.keeps_extra)
            cls.bodies = {"post": create, **cls.__dict__.get("bodies", {})}
            asked = (*resource.columns, *resource.filters, *resource.asked)
            cls.queries = {"get": {**PAGE, **dict.fromkeys(asked, str)}}

    @property
    def where(self) -> str:
        return self.resource.path or f"/{self.resource.plural}"

    def show(self, row: Any) -> Values:
        return self.linked(self.resource.render(row, self.actor), f"{self.where}/{row.pk}")

    def get(self, request: Any, **_keys: str) -> Response:
        rows, following = self.page(self.resource.listing(self.actor, request._request.GET.dict()))
        return self.collection(self.resource.plural, [self.show(row) for row in rows], following)

    def post(self, request: object) -> Response:
        values = self.body()[self.resource.fields.name]
        return Response({self.resource.fields.name: self.show(self.resource.create(self.actor, values))}, status=201)


class ItemView(IdentityView):
    """GET, PATCH and DELETE of one. `linked_to`: its links."""

    resource: ClassVar[Resource[Any]]
    linked_to: ClassVar[Mapping[str, object]] = SELF

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Declare what the resource says of the three, where the class does not say otherwise."""
        super().__init_subclass__(**kwargs)
        if "resource" in cls.__dict__:
            resource = cls.resource
            one = {resource.fields.name: shown(resource, cls.linked_to)}
            cls.answers = {"get": {200: one}, "patch": {200: one}, **cls.__dict__.get("answers", {})}
            change = resource.fields.update_schema(extra=resource.keeps_extra)
            cls.bodies = {"patch": change, **cls.__dict__.get("bodies", {})}

    @property
    def where(self) -> str:
        return self.resource.path or f"/{self.resource.plural}"

    def show(self, row: Any) -> Values:
        return self.linked(self.resource.render(row, self.actor), f"{self.where}/{row.pk}")

    def get(self, request: object, id: str) -> Response:
        return Response({self.resource.fields.name: self.show(self.resource.get(self.actor, id))})

    def patch(self, request: object, id: str) -> Response:
        values = self.body()[self.resource.fields.name]
        return Response({self.resource.fields.name: self.show(self.resource.update(self.actor, id, values))})

    def delete(self, request: object, id: str) -> Response:
        self.resource.delete(self.actor, id)
        return Response(status=204)


class OwnerItemView(ItemView):
    """One that owns things: `?cascade=true` deletes them with it."""

    queries: ClassVar[Mapping[str, Mapping[str, object]]] = {"delete": {"cascade": str}}

    def delete(self, request: Any, id: str) -> Response:
        cascade = request._request.GET.get("cascade", "").lower() == "true"  # nothing else is a yes to this
        self.resource.delete(self.actor, id, cascade=cascade)  # type: ignore[call-arg]
        return Response(status=204)
