"""Key pairs on the wire. Source: Nova's API reference; type since 2.2, other users' since 2.10, pages since 2.35."""

from functools import lru_cache
from typing import Any

from compute.keypairs import keys, services
from compute.keypairs.models import KeyPair
from compute.servers.api.schemas import obj
from compute.views import ComputeView, Page, Response
from openstackapi.fields import Field, Fields, Schema, Version, iso_micro
from openstackapi.pagination import Paging
from openstackapi.shapes import LINKS, PAGE, Versioned, With
from openstackapi.versioned import ByVersion, Property, Span, body_schema

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


def _name(more: str = "", around: str = "") -> Schema:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": f"^{around}{keys.name_pattern(more)}{around}$",
    }


_NEW = (
    Property(
        "name",
        ByVersion({(2, 0): _name(around=" *"), (2, 1): _name(), (2, 92): _name(keys.LATER_SIGNS)}),
        required=True,
    ),
    Property("public_key", {"type": "string", "minLength": 1}, required=Span(since=(2, 92))),
    Property("type", {"enum": ["ssh", "x509"]}, since=(2, 2)),
    Property("user_id", {"type": "string", "minLength": 1, "maxLength": 64}, since=(2, 10)),
)


@lru_cache(maxsize=128)
def create_schema(version: Version) -> Schema:
    """POST /os-keypairs."""
    return obj({"keypair": body_schema(_NEW, version)}, ("keypair",))


_PARAMETERS = {"user_id": Span(since=(2, 10))}
_PAGING = Paging(since=(2, 35))
_MADE = ByVersion({(2, 0): 200, (2, 2): 201})
_DELETED = ByVersion({(2, 0): 202, (2, 2): 204})


#: The private key is shown where it was made here, until 2.91.
_NEW_ONE = {"keypair": With(BASIC, {"user_id": str, "private_key?": str})}


class KeyPairs(ComputeView):
    bodies = {"post": create_schema((2, 92))}
    known = {"get": ((2, 75), frozenset({"user_id", "limit", "marker"}))}
    parameters = _PARAMETERS
    answers = {
        "get": {200: {"keypairs": [{"keypair": BASIC}], "keypairs_links?": Versioned(LINKS, since=(2, 35))}},
        "post": {200: Versioned(_NEW_ONE, until=(2, 1)), 201: Versioned(_NEW_ONE, since=(2, 2))},
    }
    queries = {"get": PAGE}

    def get(self, request: Any) -> Response:
        user_id = self.parameter("user_id")
        rows = services.of(self.actor, user_id)
        page = Page.from_request(request, default_sort=(("name", "asc"),), paging=_PAGING, version=self.version)
        found = page.read(rows, id_column="name")
        body: dict[str, object] = {"keypairs": [self._wrapped(row) for row in found]}
        more = page.nova_links(request._request, [{"id": row.name} for row in found])
        if more:
            body["keypairs_links"] = more
        return Response(body)

    def _wrapped(self, row: KeyPair) -> dict[str, object]:
        return {"keypair": BASIC.render(row, self.version, self.actor)}

    def post(self, request: object) -> Response:
        data = self.body(create_schema(self.body_version))["keypair"]
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
        return Response({"keypair": shown}, status=_MADE.at(self.version))


class KeyPairDetail(ComputeView):
    known = dict.fromkeys(("get", "delete"), ((2, 75), frozenset({"user_id"})))
    parameters = _PARAMETERS
    answers = {
        "get": {200: {"keypair": KEYPAIR}},
        "delete": {202: Versioned(None, until=(2, 1)), 204: Versioned(None, since=(2, 2))},
    }

    def get(self, request: object, name: str) -> Response:
        return self.answer("keypair", KEYPAIR, services.find(self.actor, name, self.parameter("user_id")))

    def delete(self, request: object, name: str) -> Response:
        services.delete(self.actor, name=name, user_id=self.parameter("user_id"))
        return Response(status=_DELETED.at(self.version))
