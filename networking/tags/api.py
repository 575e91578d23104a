"""Tags of resources that have standard attributes."""

from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from authorization import policy
from authorization.context import RequestContext
from common.errors import Invalid, NotFound
from networking.floatingips import services as floatingips
from networking.networks import services as networks
from networking.ports import services as ports
from networking.resource import NetworkView
from networking.routers import services as routers
from networking.securitygroups import services as securitygroups
from networking.standard import StandardAttributes, Tag, count_revision
from networking.subnetpools import services as subnetpools
from networking.subnets import services as subnets
from openstackapi.views import Response

FIND: dict[str, Callable[[RequestContext, str], StandardAttributes]] = {
    "networks": networks.find,
    "subnets": subnets.find,
    "ports": ports.find,
    "routers": routers.find,
    "floatingips": floatingips.find,
    "security-groups": securitygroups.find,
    "security_groups": securitygroups.find,
    "subnetpools": subnetpools.find,
}
#: Kind → the rules of setting and of removing its tags.
RULES = {
    "networks": ("update_network:tags", "delete_network:tags"),
    "subnets": ("update_subnet:tags", "delete_subnet:tags"),
    "ports": ("update_port:tags", "delete_port:tags"),
    "routers": ("update_router:tags", "delete_router:tags"),
    "floatingips": ("update_floatingip:tags", "delete_floatingip:tags"),
    "security-groups": ("update_security_group:tags", "delete_security_group:tags"),
    "subnetpools": ("update_subnetpool:tags", "delete_subnetpool:tags"),
}
LONGEST = 255
MOST = 50


class TagNotFound(NotFound):
    template = _("Tag %(tag)s could not be found.")


class UnknownTagTarget(NotFound):
    wire_type = "HTTPNotFound"
    formerly = ("HTTPNotFound",)
    template = _("The resource could not be found.")


class InvalidTag(Invalid):
    wire_type = "InvalidInput"
    template = _("Invalid input for operation: %(reason)s.")


def _find(actor: RequestContext, kind: str, id: str) -> StandardAttributes:
    if kind not in FIND:
        raise UnknownTagTarget()
    return FIND[kind](actor, id)


def _kind(kind: str) -> str:
    return kind.replace("_", "-")


def _checked(tags: Sequence[object]) -> list[str]:
    found: dict[str, None] = {}
    for tag in tags:
        if not isinstance(tag, str) or not 0 < len(tag) <= LONGEST or "," in tag:
            raise InvalidTag(reason=_("'%(tag)s' is not a valid tag"), tag=tag)
        found[tag] = None
    return list(found)


@transaction.atomic
def change(
    actor: RequestContext,
    kind: str,
    id: str,
    *,
    add: list[str] | None = None,
    replace: bool = False,
    remove: str | None = None,
) -> None:
    """Add tags, put them in the place of all, or take one away. Raises: TagNotFound, InvalidTag."""
    row = _find(actor, kind, id)
    update, delete = RULES[_kind(kind)]
    policy.require(actor, update if add is not None else delete, row)
    present = Tag.objects.filter(resource_id=id)
    if remove is not None and not present.filter(tag=remove).delete()[0]:
        raise TagNotFound(tag=remove)
    if replace:
        present.delete()
    if add:
        Tag.objects.bulk_create(
            [Tag(kind=_kind(kind), resource_id=id, tag=t) for t in _checked(add)], ignore_conflicts=True
        )
    if present.count() > MOST:
        raise InvalidTag(reason=_("a resource may have %(most)s tags"), most=MOST)
    count_revision(type(row), [id])


BODY = {"type": "object", "required": ["tags"], "properties": {"tags": {"type": "array"}}}


class Tags(NetworkView):
    """All tags of one resource."""

    bodies = {"put": BODY, "post": BODY}
    answers = {"get": {200: {"tags": [str]}}, "put": {200: {"tags": [str]}}}

    def get(self, request: Request, kind: str, id: str) -> Response:
        _find(self.actor, kind, id)
        return Response(
            {"tags": list(Tag.objects.filter(resource_id=id).order_by("tag").values_list("tag", flat=True))}
        )

    def put(self, request: Request, kind: str, id: str) -> Response:
        change(self.actor, kind, id, add=self.body()["tags"], replace=True)
        return self.get(request, kind, id)

    def delete(self, request: Request, kind: str, id: str) -> Response:
        change(self.actor, kind, id, replace=True)
        return Response(status=204)


class TagDetail(NetworkView):
    """One tag of one resource."""

    answers = {"get": {204: None}, "put": {201: None}}

    def get(self, request: Request, kind: str, id: str, tag: str) -> Response:
        _find(self.actor, kind, id)
        if not Tag.objects.filter(resource_id=id, tag=tag).exists():
            raise TagNotFound(tag=tag)
        return Response(status=204)

    def put(self, request: Request, kind: str, id: str, tag: str) -> Response:
        change(self.actor, kind, id, add=[tag])
        return Response(status=201)

    def delete(self, request: Request, kind: str, id: str, tag: str) -> Response:
        change(self.actor, kind, id, remove=tag)
        return Response(status=204)
