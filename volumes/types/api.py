"""Volume types on the wire. Source: Cinder's API reference, with its microversions."""

from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from common.truth import truth
from openstackapi.fields import Field, Fields
from openstackapi.shapes import LINKS, PAGE
from volumes.types import services
from volumes.types.models import VolumeType
from volumes.views import PAGING, Page, Response, VolumeView

_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}  # more than spaces
_TEXT: Final = {"type": ["string", "null"], "maxLength": 255}
_BOOLEAN: Final = {"type": ["boolean", "string"]}
_SPECS: Final = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z0-9\-_:. ]{1,255}$"},
    "additionalProperties": {"type": ["string", "null"], "maxLength": 255},
    "maxProperties": 128,
}
FIELDS: Final = Fields(
    "volume_type",
    (
        Field("id"),
        Field("name", create=True, update=True, required=True, schema=_NAME),
        Field("description", null=True, create=True, update=True, schema=_TEXT, shown=_TEXT),
        Field("is_public", update=True, type="boolean", schema=_BOOLEAN, shown={"type": "boolean"}),
        Field("os-volume-type-access:is_public", "is_public", create=True, schema=_BOOLEAN, shown={"type": "boolean"}),
        Field("extra_specs", create=True, schema=_SPECS),
        Field("qos_specs_id", lambda row: None, null=True, admin=True),
    ),
)


class Types(VolumeView):
    """List the types that the project may use, or make one."""

    bodies = {"post": FIELDS.create_schema()}
    answers = {
        "get": {200: {"volume_types": [FIELDS], "volume_type_links?": LINKS}},
        "post": {200: {"volume_type": FIELDS}},
    }
    queries = {"get": {**PAGE, "is_public": str}}

    def get(self, request: HttpRequest) -> Response:
        policy.require(self.actor, "volume_extension:type_get_all")
        keys = {"id": "id", "name": "name", "created_at": "created_at"}
        page = Page.from_request(request, sort_keys=keys, paging=PAGING)
        rows = page.read(self._selected())
        return self.answer_list("volume_types", FIELDS, rows)

    def _selected(self) -> QuerySet[VolumeType]:
        found = VolumeType.objects.visible_to(self.actor)
        asked = self.request.GET.get("is_public")
        if not self.actor.is_admin or asked is None or asked.lower() == "none":
            return found if asked is not None or not self.actor.is_admin else found.filter(is_public=True)
        return found.filter(is_public=bool(truth(asked)))

    def post(self, request: HttpRequest) -> Response:
        said = self.body()["volume_type"]
        made = services.create(
            self.actor,
            name=said["name"].strip(),
            description=said.get("description"),
            is_public=bool(truth(said.get("os-volume-type-access:is_public", True))),
            extra_specs=_texts(said.get("extra_specs", {})),
        )
        return self.answer("volume_type", FIELDS, made)


def _texts(specs: dict[str, str | None]) -> dict[str, str]:
    return {name: "" if value is None else value for name, value in specs.items()}


class TypeDetail(VolumeView):
    """Show, change or delete a type; `default` is the one of volumes that name none."""

    bodies = {"put": FIELDS.update_schema()}
    answers = {"get": {200: {"volume_type": FIELDS}}, "put": {200: {"volume_type": FIELDS}}, "delete": {202: None}}

    def get(self, request: HttpRequest, id: str) -> Response:
        policy.require(self.actor, "volume_extension:type_get")
        found = services.of_request(self.actor, None) if id == "default" else services.find(self.actor, id)
        if found is None:
            raise services.TypeNotFound(id=id)
        return self.answer("volume_type", FIELDS, found)

    def put(self, request: HttpRequest, id: str) -> Response:
        said = self.body()["volume_type"]
        if not said:
            raise Invalid(reason=_("Specify volume type name, description, is_public or a combination thereof."))
        if "is_public" in said:
            said["is_public"] = bool(truth(said["is_public"]))
        return self.answer("volume_type", FIELDS, services.update(self.actor, id, **said))

    def delete(self, request: HttpRequest, id: str) -> Response:
        services.delete(self.actor, id)
        return Response(status=202)


class ExtraSpecs(VolumeView):
    """What a type asks of its backend."""

    bodies = {"post": {"type": "object", "properties": {"extra_specs": _SPECS}, "required": ["extra_specs"]}}
    answers = {"get": {200: {"extra_specs": {str: str}}}, "post": {200: {"extra_specs": {str: str}}}}

    def get(self, request: HttpRequest, id: str) -> Response:
        policy.require(self.actor, "volume_extension:types_extra_specs:index")
        return Response({"extra_specs": services.find(self.actor, id).extra_specs})

    def post(self, request: HttpRequest, id: str) -> Response:
        specs = _texts(self.body()["extra_specs"])
        services.set_specs(self.actor, id, specs, rule="create")
        return Response({"extra_specs": specs})


class ExtraSpec(VolumeView):
    """One extra spec of a type."""

    bodies = {"put": {**_SPECS, "minProperties": 1, "maxProperties": 1}}
    answers = {"get": {200: {str: str}}, "put": {200: {str: str}}, "delete": {202: None}}

    def get(self, request: HttpRequest, id: str, key: str) -> Response:
        policy.require(self.actor, "volume_extension:types_extra_specs:index")
        specs = services.find(self.actor, id).extra_specs
        if key not in specs:
            raise services.SpecNotFound(id=id, key=key)
        return Response({key: specs[key]})

    def put(self, request: HttpRequest, id: str, key: str) -> Response:
        specs = _texts(self.body())
        if key not in specs:
            raise Invalid(reason=_("Request body and URI mismatch"))
        services.set_specs(self.actor, id, specs, rule="update")
        return Response(specs)

    def delete(self, request: HttpRequest, id: str, key: str) -> Response:
        services.unset_spec(self.actor, id, key)
        return Response(status=202)


class TypeAccessList(VolumeView):
    """The projects that may use a type that is not public."""

    answers = {"get": {200: {"volume_type_access": [{"volume_type_id": str, "project_id": str}]}}}

    def get(self, request: HttpRequest, id: str) -> Response:
        found = services.access(self.actor, id)
        return Response({"volume_type_access": [{"volume_type_id": id, "project_id": one} for one in found]})


_PROJECT: Final = {
    "type": "object",
    "properties": {"project": {"type": "string", "minLength": 1, "maxLength": 64}},
    "required": ["project"],
    "additionalProperties": False,
}


class TypeAction(VolumeView):
    """Give a type to a project, or take it away."""

    bodies = {
        "post": {
            "type": "object",
            "properties": {"addProjectAccess": _PROJECT, "removeProjectAccess": _PROJECT},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
    }
    answers = {"post": {202: None}}

    def post(self, request: HttpRequest, id: str) -> Response:
        ((name, said),) = self.body().items()
        act = services.add_access if name == "addProjectAccess" else services.remove_access
        act(self.actor, id, said["project"])
        return Response(status=202)
