"""Users, their groups and projects, their own password."""

from dataclasses import replace
from typing import Any

from rest_framework.response import Response

from identity.federation import memberships
from identity.groups.services import GROUPS
from identity.projects.services import PROJECTS
from identity.users import services
from identity.users.fields import PASSWORD
from identity.users.services import USERS
from identity.views import IdentityView, ItemView, ListView, collected, shown
from openstackapi.client import address_of
from openstackapi.shapes import With

#: A user's groups are filtered by their name alone.
_NAMED_GROUPS = replace(GROUPS, columns={"name": "name"})


class UserList(ListView):
    resource = USERS


class UserItem(ItemView):
    resource = USERS


class UserPassword(IdentityView):
    """Needs no token: the old password is the proof, and it may be an expired one."""

    anonymous = True
    bodies = {"post": PASSWORD}
    answers = {"post": {204: None}}

    def post(self, request: Any, user_id: str) -> Response:
        sent = self.body()["user"]
        services.change_password(
            user_id, sent["original_password"], sent["password"], source=address_of(request._request)
        )
        return Response(status=204)


class UserGroups(IdentityView):
    answers = {"get": {200: collected("groups", With(shown(GROUPS), {"membership_expires_at?": str | None}))}}
    queries = {"get": {"name": str}}

    def get(self, request: Any, user_id: str) -> Response:
        rows = _NAMED_GROUPS.matching(services.groups_of(self.actor, user_id), request._request.GET.dict())
        ends = memberships.ends(user_id)
        bodies = [self.linked(GROUPS.render(row), f"/groups/{row.pk}") for row in rows.order_by("id")]
        for body in bodies:
            if body["id"] in ends:
                body["membership_expires_at"] = ends[body["id"]]
        return self.collection("groups", bodies)


class UserProjects(IdentityView):
    answers = {"get": {200: collected("projects", shown(PROJECTS))}}

    def get(self, request: Any, user_id: str) -> Response:
        rows = services.projects_of(self.actor, user_id, request._request.GET.dict())
        bodies = [self.linked(PROJECTS.render(row), f"/projects/{row.pk}") for row in rows.order_by("id")]
        return self.collection("projects", bodies)
