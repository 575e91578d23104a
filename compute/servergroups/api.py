"""Server groups on the wire: `policies` until 2.63, `policy` and `rules` from 2.64 on."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.numbers import LARGEST, is_whole
from compute.servergroups import services
from compute.servergroups.models import POLICIES, ServerGroup
from compute.servers.api.schemas import NAME, obj
from compute.views import ComputeView, Response
from openstackapi.fields import Field, Fields, Schema
from openstackapi.versioned import ByVersion, Property, body_schema

GROUP = Fields(
    "server_group",
    [
        Field("id"),
        Field("name"),
        Field("policies", lambda g: [g.policy], type="array", items="string", until=(2, 63)),
        Field("members", lambda g: g.members, type="array", items="string"),
        Field("metadata", lambda g: {}, type="object", until=(2, 63)),
        Field("project_id", since=(2, 13)),
        Field("user_id", since=(2, 13)),
        Field("policy", since=(2, 64)),
        Field("rules", type="object", since=(2, 64)),
    ],
)


def _policies(known: list[str]) -> Schema:
    return {"type": "array", "items": {"enum": known}, "minItems": 1, "maxItems": 1}


_POSITIVE = {
    "type": ["integer", "string"],
    "minimum": 1,
    "maximum": LARGEST,
    "maxLength": 10,
    "pattern": "^[1-9][0-9]*$",
}
_NEW = (
    Property("name", NAME, required=True),
    Property(
        "policies",
        ByVersion({(2, 0): _policies(list(POLICIES[:2])), (2, 15): _policies(list(POLICIES))}),
        until=(2, 63),
        required=True,
    ),
    Property("policy", {"enum": list(POLICIES)}, since=(2, 64), required=True),
    Property("rules", obj({"max_server_per_host": _POSITIVE}), since=(2, 64)),
)
_CREATE = ByVersion(
    {v: obj({"server_group": body_schema(_NEW, v)}, ("server_group",)) for v in ((2, 0), (2, 15), (2, 64))}
)


class ServerGroups(ComputeView):
    bodies = {"post": _CREATE.newest}
    known = {"get": ((2, 75), frozenset({"all_projects", "limit", "offset"}))}
    answers = {"get": {200: {"server_groups": [GROUP]}}, "post": {200: {"server_group": GROUP}}}

    def get(self, request: Any) -> Response:
        rows = services.visible(self.actor, everyone="all_projects" in request.GET).order_by("created_at", "id")
        start = _whole(request.GET.get("offset", "0"), "offset")
        limit = _whole(request.GET.get("limit", "1000"), "limit") or 1000
        groups = list(rows[start : start + limit])
        with_members(groups)
        return self.answer_list("server_groups", GROUP, groups)

    def post(self, request: object) -> Response:
        data = self.body(_CREATE.at(self.version))["server_group"]
        rules = {key: int(value) for key, value in (data.get("rules") or {}).items()}
        wanted = data["policy"] if "policy" in data else data["policies"][0]
        group = services.create(self.actor, name=data["name"].strip(), policy_name=wanted, rules=rules)
        with_members([group])
        return self.answer("server_group", GROUP, group)


def _whole(text: str, name: str) -> int:
    if not is_whole(text):
        raise Invalid(reason=_("Invalid input for query parameters %(name)s. Value: %(text)s."), name=name, text=text)
    return int(text)


def with_members(groups: list[ServerGroup]) -> None:
    found = services.members([group.id for group in groups])
    for group in groups:
        group.members = found[group.id]  # type: ignore[attr-defined]


class ServerGroupDetail(ComputeView):
    answers = {"get": {200: {"server_group": GROUP}}}

    def get(self, request: object, group_id: str) -> Response:
        group = services.find(self.actor, group_id)
        with_members([group])
        return self.answer("server_group", GROUP, group)

    def delete(self, request: object, group_id: str) -> Response:
        services.delete(self.actor, group_id=group_id)
        return Response(status=204)
