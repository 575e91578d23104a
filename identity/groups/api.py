"""Groups and their members."""

from typing import Any

from rest_framework.response import Response

from identity.groups import services
from identity.groups.services import GROUPS
from identity.users.services import USERS
from identity.views import IdentityView, ItemView, ListView, collected, shown


class GroupList(ListView):
    resource = GROUPS


class GroupItem(ItemView):
    resource = GROUPS


class GroupMembers(IdentityView):
    answers = {"get": {200: collected("users", shown(USERS))}}
    queries = {"get": dict.fromkeys((*USERS.columns, *USERS.filters), str)}

    def get(self, request: Any, group_id: str) -> Response:
        rows = USERS.matching(services.members(self.actor, group_id), request._request.GET.dict())
        return self.collection("users", [self.linked(USERS.render(r), f"/users/{r.pk}") for r in rows.order_by("id")])


class GroupMember(IdentityView):
    answers = {"put": {204: None}, "get": {204: None}}

    def put(self, request: object, group_id: str, user_id: str) -> Response:
        services.add_member(self.actor, group_id, user_id)
        return Response(status=204)

    def get(self, request: object, group_id: str, user_id: str) -> Response:
        services.check_member(self.actor, group_id, user_id)
        return Response(status=204)

    head = get

    def delete(self, request: object, group_id: str, user_id: str) -> Response:
        services.remove_member(self.actor, group_id, user_id)
        return Response(status=204)
