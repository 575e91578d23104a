"""OS-OAUTH1."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from rest_framework.response import Response

from identity.models import AccessToken
from identity.oauth1 import services
from identity.oauth1.services import CONSUMERS
from identity.resource import Missing, Values
from identity.roles.services import ROLES
from identity.views import SELF, IdentityView, ItemView, ListView, collected, shown
from openstackapi.fields import iso_micro_z
from openstackapi.shapes import PAGE, Media, With

_ROLE = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "minProperties": 1}
_AUTHORIZE = {
    "type": "object",
    "properties": {"roles": {"type": "array", "items": _ROLE, "minItems": 1}},
    "required": ["roles"],
}


class ConsumerList(ListView):
    resource = CONSUMERS
    answers = {"post": {201: {"consumer": With(shown(CONSUMERS), {"secret": str})}}}

    def post(self, request: object) -> Response:
        response = super().post(request)
        made = response.data["consumer"]
        made["secret"] = CONSUMERS.find(made["id"]).secret  # shown this once
        return response


class ConsumerItem(ItemView):
    resource = CONSUMERS


_FORM = "application/x-www-form-urlencoded"


def _form(row: Any) -> HttpResponse:
    found = {"oauth_token": row.pk, "oauth_token_secret": row.secret, "oauth_expires_at": iso_micro_z(row.expires_at)}
    text = urlencode(found, safe=":")  # Keystone leaves the colons of the time as they are
    return HttpResponse(text, status=201, content_type=_FORM)


class RequestTokens(IdentityView):
    anonymous = True
    answers = {"post": {201: Media(_FORM)}}

    def post(self, request: Any) -> HttpResponse:
        project_id = request._request.META.get("HTTP_REQUESTED_PROJECT_ID")
        return _form(services.request_token(request._request, project_id))


class AccessTokens(IdentityView):
    anonymous = True
    answers = {"post": {201: Media(_FORM)}}

    def post(self, request: Any) -> HttpResponse:
        return _form(services.access_token(request._request))


class Authorize(IdentityView):
    bodies = {"put": _AUTHORIZE}
    answers = {"put": {200: {"token": {"oauth_verifier": str}}}}

    def put(self, request: object, id: str) -> Response:
        verifier = services.authorize(self.actor, id, self.body()["roles"])
        return Response({"token": {"oauth_verifier": verifier}})


_ACCESS = {
    "id": str,
    "consumer_id": str,
    "project_id": str,
    "authorizing_user_id": str,
    "expires_at": str | None,
    "links": {**SELF, "roles": str},
}


class _AccessView(IdentityView):
    def show(self, row: AccessToken) -> Values:
        path = f"/users/{row.user_id}/OS-OAUTH1/access_tokens/{row.pk}"
        body = {
            "id": row.pk,
            "consumer_id": row.consumer_id,
            "project_id": row.project_id,
            "authorizing_user_id": row.user_id,
            "expires_at": iso_micro_z(row.expires_at),
        }
        return {**body, "links": {"self": self.url(path), "roles": self.url(f"{path}/roles")}}


class UserAccessTokens(_AccessView):
    answers = {"get": {200: collected("access_tokens", _ACCESS)}}
    queries = {"get": PAGE}

    def get(self, request: object, user_id: str) -> Response:
        rows, following = self.page(services.access_tokens(self.actor, user_id))
        return self.collection("access_tokens", [self.show(row) for row in rows], following)


class UserAccessToken(_AccessView):
    answers = {"get": {200: {"access_token": _ACCESS}}}

    def get(self, request: object, user_id: str, id: str) -> Response:
        return Response({"access_token": self.show(services.find_access(self.actor, user_id, id))})

    def delete(self, request: object, user_id: str, id: str) -> Response:
        services.delete_access(self.actor, user_id, id)
        return Response(status=204)


class AccessRoles(_AccessView):
    answers = {"get": {200: collected("roles", shown(ROLES))}}

    def get(self, request: object, user_id: str, id: str) -> Response:
        rows = services.access_roles(self.actor, user_id, id)
        return self.collection("roles", [self.linked(ROLES.render(row), f"/roles/{row.pk}") for row in rows])


class AccessRole(_AccessView):
    answers = {"get": {200: {"role": shown(ROLES)}}}

    def get(self, request: object, user_id: str, id: str, role_id: str) -> Response:
        rows = services.access_roles(self.actor, user_id, id, verb="get_access_token_role")
        row = rows.filter(pk=role_id).first()
        if row is None:
            raise Missing(kind="role", id=role_id)
        return Response({"role": self.linked(ROLES.render(row), f"/roles/{role_id}")})
