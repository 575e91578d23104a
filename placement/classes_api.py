"""Resource classes and usages of projects on the wire."""

from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from openstackapi.shapes import LINKS, Versioned
from openstackapi.versioned import ByVersion
from openstackapi.views import Response
from placement import classes
from placement.api import PlacementView
from placement.models import Allocation

_URL = "/api/placement/resource_classes"
_NAMED: dict[str, object] = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^CUSTOM_[A-Z0-9_]+$", "maxLength": 255}},
    "required": ["name"],
    "additionalProperties": False,
}


_CLASS = {"name": str, "links": LINKS}


def _shown(name: str) -> dict[str, object]:
    return {"name": name, "links": [{"rel": "self", "href": f"{_URL}/{name}"}]}


class _Classes(PlacementView):
    since = (1, 2)

    def made(self, name: str, status: int) -> Response:
        response = Response(status=status)
        response["Location"] = f"{self.root()}{_URL}/{name}"
        return response


class ResourceClasses(_Classes):
    rules = {
        "GET": "placement:resource_classes:list",
        "POST": "placement:resource_classes:create",
    }
    bodies = {"post": _NAMED}
    answers = {"get": {200: {"resource_classes": [_CLASS]}}, "post": {201: None}}

    def get(self, request: object) -> Response:
        return Response({"resource_classes": [_shown(name) for name in classes.names()]})

    def post(self, request: object) -> Response:
        name = self.body()["name"]
        if not classes.make(name):
            raise classes.ClassExists(name=name)
        return self.made(name, 201)


class ResourceClass(_Classes):
    """Before 1.7 PUT renames a class, from then on it makes one that is not there."""

    rules = {
        "GET": "placement:resource_classes:show",
        "PUT": "placement:resource_classes:update",
        "DELETE": "placement:resource_classes:delete",
    }
    media = {"put": {"application/json": {"anyOf": [_NAMED, {"type": "null"}]}}}
    answers = {
        "get": {200: _CLASS},
        "put": {
            200: Versioned(_CLASS, until=(1, 6)),
            201: Versioned(None, since=(1, 7)),
            204: Versioned(None, since=(1, 7)),
        },
    }

    def get(self, request: object, name: str) -> Response:
        classes.require(name)
        return Response(_shown(name))

    def put(self, request: object, name: str) -> Response:
        return _PUT.at(self.version)(self, name)

    def _rename(self, name: str) -> Response:
        to = self.body(_NAMED)["name"]
        classes.rename(name, to)
        return Response(_shown(to))

    def _make(self, name: str) -> Response:
        return self.made(name, 201 if classes.make(name) else 204)

    def delete(self, request: object, name: str) -> Response:
        classes.delete(name)
        return Response(status=204)


_PUT = ByVersion({(1, 2): ResourceClass._rename, (1, 7): ResourceClass._make})


class ProjectUsages(PlacementView):
    """Usages of a project, or of one of its users: class → sum of their allocations."""

    rules = {
        "GET": "placement:usages",
    }
    since = (1, 9)
    answers = {"get": {200: {"usages": {str: int}}}}
    queries = {"get": {"project_id": str, "user_id": str}}

    def get(self, request: Any) -> Response:
        project = request.GET.get("project_id")
        if not project:
            raise Invalid(reason=_("Invalid query string parameters: 'project_id' is a required property"))
        rows = Allocation.objects.filter(consumer__project_id=project)
        if "user_id" in request.GET:
            rows = rows.filter(consumer__user_id=request.GET["user_id"])
        sums = rows.values("resource_class").annotate(amount=Sum("used")).order_by("resource_class")
        return Response({"usages": {row["resource_class"]: row["amount"] for row in sums}})
