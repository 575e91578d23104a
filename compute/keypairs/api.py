"""Key pairs on the wire. Source: Nova's API reference; type since 2.2, other users' since 2.10, pages since 2.35."""

from typing import Any

from compute.keypairs import services
from compute.keypairs.models import KeyPair
from compute.servers.schemas import obj
from compute.views import ComputeView, Page, Response
from openstackapi.fields import Field, Fields, iso_micro

KEYPAIR = Fields(
    "keypair",
    [
        Field("name"),
        Field("public_key"),
        Field("fingerprint"),
        Field("type", since=(2, 2)),
        Field("user_id"),
        Field("id", type="integer"),
        Field("created_at", type="datetime"),
        Field("updated_at", lambda k: None, null=True),
        Field("deleted", lambda k: False, type="boolean"),
        Field("deleted_at", lambda k: None, null=True),
    ],
    time=iso_micro,
)
BASIC = Fields("keypair", [Field("name"), Field("public_key"), Field("fingerprint"), Field("type", since=(2, 2))])

#: What a name may hold; it goes into the URL. Spaces only between other signs; in 2.0 those at the ends are cut off.
_SIGNS = r"a-zA-Z0-9\-_"
_SIGNS_SINCE_292 = _SIGNS + "@."


def _name(version: tuple[int, int]) -> dict[str, Any]:
    signs = _SIGNS if version < (2, 92) else _SIGNS_SINCE_292
    around = " *" if version < (2, 1) else ""
    pattern = rf"^{around}[{signs}]([{signs} ]*[{signs}])?{around}$"
    return {"type": "string", "minLength": 1, "maxLength": 255, "pattern": pattern}


def _schema(version: tuple[int, int]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "name": _name(version),
        "public_key": {"type": "string", "minLength": 1},
    }
    if version >= (2, 2):
        properties["type"] = {"enum": ["ssh", "x509"]}
    if version >= (2, 10):
        properties["user_id"] = {"type": "string", "minLength": 1, "maxLength": 64}
    required = ("name",) if version < (2, 92) else ("name", "public_key")
    return obj({"keypair": obj(properties, required)}, ("keypair",))


_SCHEMAS = {version: _schema(version) for version in ((2, 0), (2, 1), (2, 2), (2, 10), (2, 92))}


def schema_of(version: tuple[int, int]) -> dict[str, Any]:
    return _SCHEMAS[max(known for known in _SCHEMAS if known <= version)]


class KeyPairs(ComputeView):
    bodies = {"post": _SCHEMAS[(2, 92)]}
    known = {"get": ((2, 75), frozenset({"user_id", "limit", "marker"}))}

    def get(self, request: Any) -> Response:
        user_id = request.GET.get("user_id") if self.version >= (2, 10) else None
        rows = services.of(self.actor, user_id)
        if self.version < (2, 35):
            return Response({"keypairs": [self._wrapped(row) for row in rows.order_by("name")]})
        page = Page.from_request(request, default_sort=(("name", "asc"),))
        found = page.cut(list(page.apply(rows, id_column="name")))
        body: dict[str, Any] = {"keypairs": [self._wrapped(row) for row in found]}
        more = page.nova_links(request._request, [{"id": row.name} for row in found])
        if more:
            body["keypairs_links"] = more
        return Response(body)

    def _wrapped(self, row: KeyPair) -> dict[str, Any]:
        return {"keypair": BASIC.render(row, self.version, self.actor)}

    def post(self, request: Any) -> Response:
        data = self.body(schema_of(self.body_version))["keypair"]
        made = services.create(
            self.actor,
            name=data["name"].strip(),
            type=data.get("type", "ssh"),
            public_key=data.get("public_key"),
            user_id=data.get("user_id"),
        )
        shown = {**BASIC.render(made.row, self.version, self.actor), "user_id": made.row.user_id}
        if made.private_key is not None:
            shown["private_key"] = made.private_key
        return Response({"keypair": shown}, status=201 if self.version >= (2, 2) else 200)


class KeyPairDetail(ComputeView):
    known = dict.fromkeys(("get", "delete"), ((2, 75), frozenset({"user_id"})))

    def _user(self, request: Any) -> str | None:
        return request.GET.get("user_id") if self.version >= (2, 10) else None

    def get(self, request: Any, name: str) -> Response:
        return self.answer("keypair", KEYPAIR, services.find(self.actor, name, self._user(request)))

    def delete(self, request: Any, name: str) -> Response:
        services.delete(self.actor, name=name, user_id=self._user(request))
        return Response(status=204 if self.version >= (2, 2) else 202)
