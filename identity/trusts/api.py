"""OS-TRUST."""

from typing import Any

from rest_framework.response import Response

from common.numbers import LARGEST
from identity.appcreds.api import parse_time
from identity.models import Trust
from identity.resource import Missing, Values
from identity.roles.services import ROLES
from identity.trusts import services
from identity.views import SELF, IdentityView, collected, shown
from identity.wire import BOOL, ID, ID_OR_NULL
from openstackapi.fields import iso_micro_z
from openstackapi.shapes import PAGE

_ROLE = {"type": "object", "properties": {"id": ID, "name": {"type": "string"}}, "minProperties": 1}
_CREATE = {
    "type": "object",
    "properties": {
        "trust": {
            "type": "object",
            "properties": {
                "trustor_user_id": ID,
                "trustee_user_id": ID,
                "impersonation": BOOL,
                "project_id": ID_OR_NULL,
                "remaining_uses": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST},
                "expires_at": {"type": ["string", "null"]},
                "allow_redelegation": {"type": ["boolean", "null"]},
                "redelegation_count": {"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST},
                "roles": {"type": "array", "items": _ROLE},
            },
            "required": ["trustor_user_id", "trustee_user_id", "impersonation"],
        }
    },
    "required": ["trust"],
}


#: A trust as lists show it.
_BRIEF = {
    "id": str,
    "trustor_user_id": str,
    "trustee_user_id": str,
    "project_id": str | None,
    "impersonation": bool,
    "expires_at": str | None,
    "remaining_uses": int | None,
    "redelegation_count": int,
    "redelegated_trust_id": str | None,
    "deleted_at": str | None,
    "links": SELF,
}
_TRUST = {**_BRIEF, "roles": [shown(ROLES)], "roles_links": {**SELF, "next": None, "previous": None}}


class _TrustView(IdentityView):
    def show(self, row: Trust, *, roles: bool = True) -> Values:
        body: Values = {
            "id": row.pk,
            "trustor_user_id": row.trustor_id,
            "trustee_user_id": row.trustee_id,
            "project_id": row.project_id,
            "impersonation": row.impersonation,
            "expires_at": iso_micro_z(row.expires_at),
            "remaining_uses": row.remaining_uses,
            "redelegation_count": row.redelegation_count,
            "redelegated_trust_id": row.redelegated_trust_id,
            "deleted_at": iso_micro_z(row.deleted_at),
        }
        if roles:
            body["roles"] = [self.role(one) for one in row.roles.all()]
            own = self.url(f"/OS-TRUST/trusts/{row.pk}/roles")
            body["roles_links"] = {"self": own, "next": None, "previous": None}
        return self.linked(body, f"/OS-TRUST/trusts/{row.pk}")

    def role(self, row: Any) -> Values:
        return self.linked(ROLES.render(row), f"/roles/{row.pk}")


class TrustList(_TrustView):
    bodies = {"post": _CREATE}
    answers = {"get": {200: collected("trusts", _BRIEF)}, "post": {201: {"trust": _TRUST}}}
    queries = {"get": {**PAGE, "trustor_user_id": str, "trustee_user_id": str}}

    def get(self, request: Any) -> Response:
        query = request._request.GET
        rows = services.listing(self.actor, query.get("trustor_user_id"), query.get("trustee_user_id"))
        found, following = self.page(rows)
        return self.collection("trusts", [self.show(row, roles=False) for row in found], following)

    def post(self, request: object) -> Response:
        values = self.body()["trust"]
        row = services.create(self.actor, values, parse_time(values.get("expires_at")))
        return Response({"trust": self.show(row)}, status=201)


class TrustItem(_TrustView):
    answers = {"get": {200: {"trust": _TRUST}}}

    def get(self, request: object, id: str) -> Response:
        return Response({"trust": self.show(services.get(self.actor, id))})

    def delete(self, request: object, id: str) -> Response:
        services.delete(self.actor, id)
        return Response(status=204)


class TrustRoles(_TrustView):
    answers = {"get": {200: collected("roles", shown(ROLES))}}

    def get(self, request: object, id: str) -> Response:
        row = services.get(self.actor, id, verb="list_roles_for_trust")
        return self.collection("roles", [self.role(one) for one in row.roles.order_by("id")])


class TrustRole(_TrustView):
    answers = {"get": {200: {"role": shown(ROLES)}}}

    def get(self, request: object, id: str, role_id: str) -> Response:
        row = services.get(self.actor, id, verb="get_role_for_trust").roles.filter(pk=role_id).first()
        if row is None:
            raise Missing(kind="role", id=role_id)
        return Response({"role": self.role(row)})

    def head(self, request: object, id: str, role_id: str) -> Response:
        self.get(request, id, role_id)
        return Response(status=200)
