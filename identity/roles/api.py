"""Roles and implied roles."""

from rest_framework.response import Response

from identity.models import Role
from identity.resource import Values
from identity.roles import services
from identity.roles.services import ROLES
from identity.views import SELF, IdentityView, ItemView, ListView


class RoleList(ListView):
    resource = ROLES


class RoleItem(ItemView):
    resource = ROLES


_ROLE = {"id": str, "name": str, "links": SELF}
_PAIR = {"role_inference": {"prior_role": _ROLE, "implies": _ROLE}, "links": SELF}


class _InferenceView(IdentityView):
    def role(self, row: Role) -> Values:
        return {"id": row.pk, "name": row.name, "links": {"self": self.url(f"/roles/{row.pk}")}}

    def pair(self, prior: Role, implied: Role) -> Values:
        links = {"self": self.url(f"/roles/{prior.pk}/implies/{implied.pk}")}
        return {"role_inference": {"prior_role": self.role(prior), "implies": self.role(implied)}, "links": links}


class ImpliedList(_InferenceView):
    answers = {"get": {200: {"role_inference": {"prior_role": _ROLE, "implies": [_ROLE]}, "links": SELF}}}

    def get(self, request: object, id: str) -> Response:
        prior, rows = services.implied_by(self.actor, id)
        inference = {"prior_role": self.role(prior), "implies": [self.role(row) for row in rows]}
        return Response({"role_inference": inference, "links": {"self": self.url(f"/roles/{id}/implies")}})


class ImpliedItem(_InferenceView):
    answers = {"get": {200: _PAIR}, "put": {201: _PAIR}}

    def put(self, request: object, id: str, implied_id: str) -> Response:
        return Response(self.pair(*services.imply(self.actor, id, implied_id)), status=201)

    def get(self, request: object, id: str, implied_id: str) -> Response:
        return Response(self.pair(*services.implied(self.actor, id, implied_id)))

    def head(self, request: object, id: str, implied_id: str) -> Response:
        services.implied(self.actor, id, implied_id, verb="check_implied_role")
        return Response(status=204)

    def delete(self, request: object, id: str, implied_id: str) -> Response:
        services.unimply(self.actor, id, implied_id)
        return Response(status=204)


class Inferences(_InferenceView):
    answers = {"get": {200: {"role_inferences": [{"prior_role": _ROLE, "implies": [_ROLE]}]}}}

    def get(self, request: object) -> Response:
        rows = [
            {"prior_role": self.role(prior), "implies": [self.role(row) for row in implied]}
            for prior, implied in services.inferences(self.actor)
        ]
        return Response({"role_inferences": rows})
