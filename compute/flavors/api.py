"""Flavors on the wire. Source: Nova's API reference, with microversions 2.55 and 2.61."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from common.numbers import LARGEST, is_whole
from common.truth import truth
from compute.flavors import services
from compute.flavors.models import Flavor
from compute.servers.api.schemas import BOOLEAN, NAME, obj
from compute.views import ComputeView, Page, Response, flag
from openstackapi.fields import Field, Fields
from openstackapi.pagination import NOVA
from openstackapi.shapes import LINKS, PAGE
from openstackapi.versioned import ByVersion, Property, Span, body_schema

FLAVOR = Fields(
    "flavor",
    [
        Field("id"),
        Field("name"),
        Field("ram", type="integer"),
        Field("disk", type="integer"),
        Field("swap", lambda f: f.swap or "", shown={"type": ["integer", "string"]}, until=(2, 74)),
        Field("swap", type="integer", since=(2, 75)),
        Field("vcpus", type="integer"),
        Field("OS-FLV-EXT-DATA:ephemeral", "ephemeral", type="integer"),
        Field("OS-FLV-DISABLED:disabled", "disabled", type="boolean"),
        Field("os-flavor-access:is_public", "is_public", type="boolean"),
        Field("rxtx_factor", type="number"),
        Field("links", lambda f: f.links, type="array", items="object"),
        Field("description", null=True, since=(2, 55)),
        Field("extra_specs", type="object", since=(2, 61)),
    ],
)
BASIC = Fields(
    "flavor",
    [
        Field("id"),
        Field("name"),
        Field("links", lambda f: f.links, type="array", items="object"),
        Field("description", null=True, since=(2, 55)),
    ],
)


def _integer(low: int, high: int = LARGEST) -> dict[str, object]:
    return {
        "oneOf": [
            {"type": "integer", "minimum": low, "maximum": high},
            {"type": "string", "pattern": "^[0-9]{1,10}$"},
        ]
    }


_RXTX = {"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}]}
_ID = {
    "type": ["string", "number", "null"],
    "minLength": 1,
    "maxLength": 255,
    "pattern": services.ID,
}
_DESCRIPTION = {"type": ["string", "null"], "maxLength": 65535}
_SPECS = {
    "type": "object",
    "patternProperties": {
        services.SPEC: {"type": ["string", "number", "integer"], "maxLength": services.SPEC_VALUE_LIMIT}
    },
    "additionalProperties": False,
}


_NEW = (
    Property("name", NAME, required=True),
    Property("id", _ID),
    Property("ram", _integer(1), required=True),
    Property("vcpus", _integer(1), required=True),
    Property("disk", _integer(0), required=True),
    Property("OS-FLV-EXT-DATA:ephemeral", _integer(0)),
    Property("swap", _integer(0)),
    Property("rxtx_factor", _RXTX),
    Property("os-flavor-access:is_public", BOOLEAN),
    Property("description", _DESCRIPTION, since=(2, 55)),
)
_CREATE = ByVersion({v: obj({"flavor": body_schema(_NEW, v)}, ("flavor",)) for v in ((2, 0), (2, 55))})
#: A flavor's description may be changed; the values of specs of the standard namespace `hw:` are looked at.
_SPECS_CHECKED = Span(since=(2, 86))
_SORT = {
    "created_at": "created_at",
    "description": "description",
    "disabled": "disabled",
    "ephemeral_gb": "ephemeral",
    "flavorid": "id",
    "id": "id",
    "is_public": "is_public",
    "memory_mb": "ram",
    "name": "name",
    "root_gb": "disk",
    "rxtx_factor": "rxtx_factor",
    "swap": "swap",
    "updated_at": "created_at",
    "vcpu_weight": "id",
    "vcpus": "vcpus",
}


class FlavorPage(ComputeView):
    fields = BASIC
    known = {"get": ((2, 75), frozenset({"limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir"}))}
    answers = {"get": {200: {"flavors": [BASIC], "flavors_links?": LINKS}}}
    queries = {"get": PAGE}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "compute:flavor:get")
        page = Page.from_request(request, sort_keys=_SORT, default_sort=(("id", "asc"),), paging=NOVA)
        rows = page.read(self._selected(request.GET))
        for row in rows:
            row.links = self.links("flavors", row.id)
        shown = self.fields.render_many(rows, self.version, self.actor)
        body: dict[str, object] = {"flavors": shown}
        more = page.nova_links(request._request, shown)
        if more:
            body["flavors_links"] = more
        return Response(body)

    def _selected(self, query: Any) -> Any:
        rows = services.visible(self.actor)
        for name, column in (("minRam", "ram"), ("minDisk", "disk")):
            if name in query:
                if not is_whole(query[name]):
                    raise Invalid(reason=_("Invalid %(name)s filter [%(value)s]"), name=name, value=query[name])
                rows = rows.filter(**{f"{column}__gte": int(query[name])})
        if not self.actor.is_admin:
            return rows
        public = query.get("is_public")
        if public is None:
            return rows.filter(is_public=True)
        return rows if public.lower() == "none" else rows.filter(is_public=flag(public, "is_public"))


class FlavorList(FlavorPage):
    bodies = {"post": _CREATE.newest}
    answers = {"post": {200: {"flavor": FLAVOR}}}

    def post(self, request: object) -> Response:
        data = self.body(_CREATE.at(self.version))["flavor"]
        flavor = services.create(self.actor, **_values(data))
        return _shown(self, flavor)


def _values(data: dict[str, Any]) -> dict[str, Any]:
    def number(name: str, low: int, default: int = 0) -> int:
        value = int(data.get(name, default))
        if value < low or value > LARGEST:
            raise Invalid(
                reason=_("Invalid input for field/attribute %(name)s. Value: %(value)s. It must be %(low)s or more."),
                name=name,
                value=value,
                low=low,
            )
        return value

    given = data.get("id")
    return {
        "name": data["name"].strip(),
        "id": None if given is None else str(given),
        "ram": number("ram", 1),
        "vcpus": number("vcpus", 1),
        "disk": number("disk", 0),
        "ephemeral": number("OS-FLV-EXT-DATA:ephemeral", 0),
        "swap": number("swap", 0),
        "rxtx_factor": float(data.get("rxtx_factor", 1.0)),
        "is_public": bool(truth(data.get("os-flavor-access:is_public", True))),
        "description": data.get("description"),
    }


def _shown(view: ComputeView, flavor: Flavor) -> Response:
    flavor.links = view.links("flavors", flavor.id)  # type: ignore[attr-defined]
    return view.answer("flavor", FLAVOR, flavor)


class FlavorListDetail(FlavorPage):
    fields = FLAVOR
    answers = {"get": {200: {"flavors": [FLAVOR], "flavors_links?": LINKS}}}


class FlavorDetail(ComputeView):
    versions = {"put": Span(since=(2, 55))}
    bodies = {"put": obj({"flavor": obj({"description": _DESCRIPTION}, ("description",))}, ("flavor",))}
    answers = {"get": {200: {"flavor": FLAVOR}}, "put": {200: {"flavor": FLAVOR}}, "delete": {202: None}}

    def get(self, request: object, flavor_id: str) -> Response:
        policy.require(self.actor, "compute:flavor:get")
        return _shown(self, services.find(self.actor, flavor_id))

    def put(self, request: object, flavor_id: str) -> Response:
        data = self.body()["flavor"]
        return _shown(self, services.update(self.actor, flavor_id=flavor_id, description=data["description"]))

    def delete(self, request: object, flavor_id: str) -> Response:
        services.delete(self.actor, flavor_id=flavor_id)
        return Response(status=202)


class ExtraSpecs(ComputeView):
    bodies = {"post": obj({"extra_specs": _SPECS}, ("extra_specs",))}
    answers = {"get": {200: {"extra_specs": {str: str}}}, "post": {200: {"extra_specs": {str: str}}}}

    def get(self, request: object, flavor_id: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-flavor-extra-specs:index")
        return Response({"extra_specs": services.find(self.actor, flavor_id).extra_specs})

    def post(self, request: object, flavor_id: str) -> Response:
        specs = {key: str(value) for key, value in self.body()["extra_specs"].items()}
        if self.version in _SPECS_CHECKED:
            services.check_specs(specs)
        services.set_extra_specs(self.actor, flavor_id=flavor_id, specs=specs)
        return Response({"extra_specs": specs})


class ExtraSpec(ComputeView):
    bodies = {"put": {**_SPECS, "minProperties": 1, "maxProperties": 1}}
    answers = {"get": {200: {str: str}}, "put": {200: {str: str}}, "delete": {200: None}}

    def get(self, request: object, flavor_id: str, key: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-flavor-extra-specs:show")
        return Response({key: services.extra_spec(self.actor, flavor_id=flavor_id, key=key)})

    def put(self, request: object, flavor_id: str, key: str) -> Response:
        data = {k: str(v) for k, v in self.body().items()}
        if key not in data:
            raise Invalid(reason=_("Request body and URI mismatch"))
        if self.version in _SPECS_CHECKED:
            services.check_specs(data)
        services.set_extra_specs(
            self.actor, flavor_id=flavor_id, specs=data, rule="os_compute_api:os-flavor-extra-specs:update"
        )
        return Response(data)

    def delete(self, request: object, flavor_id: str, key: str) -> Response:
        services.unset_extra_spec(self.actor, flavor_id=flavor_id, key=key)
        return Response(status=200)


_ACCESS = {"flavor_access": [{"flavor_id": str, "tenant_id": str}]}


def _access(flavor_id: str, projects: list[str]) -> Response:
    return Response({"flavor_access": [{"flavor_id": flavor_id, "tenant_id": project} for project in projects]})


class FlavorAccess(ComputeView):
    answers = {"get": {200: _ACCESS}}

    def get(self, request: object, flavor_id: str) -> Response:
        return _access(flavor_id, services.access(self.actor, flavor_id=flavor_id))


_TENANT = obj({"tenant": {"type": "string", "minLength": 1, "maxLength": 255}}, ("tenant",))


class FlavorAction(ComputeView):
    bodies = {
        "post": {
            "type": "object",
            "properties": {"addTenantAccess": _TENANT, "removeTenantAccess": _TENANT},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
    }
    answers = {"post": {200: _ACCESS}}

    def post(self, request: object, flavor_id: str) -> Response:
        ((name, body),) = self.body().items()
        act = services.add_access if name == "addTenantAccess" else services.remove_access
        return _access(flavor_id, act(self.actor, flavor_id=flavor_id, project_id=body["tenant"]))
