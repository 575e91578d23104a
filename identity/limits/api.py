"""Unified limits."""

from rest_framework.response import Response

from identity.limits.fields import LIMIT, REGISTERED, many
from identity.limits.services import LIMITS, REGISTERED_LIMITS, create_many
from identity.views import IdentityView, ItemView, ListView, shown


class RegisteredLimitList(ListView):
    resource = REGISTERED_LIMITS
    bodies = {"post": many(REGISTERED, "registered_limits")}
    answers = {"post": {201: {"registered_limits": [shown(REGISTERED_LIMITS)]}}}

    def post(self, request: object) -> Response:
        rows = create_many(self.resource, self.actor, self.body()["registered_limits"])
        return Response({"registered_limits": [self.show(row) for row in rows]}, status=201)


class RegisteredLimitItem(ItemView):
    resource = REGISTERED_LIMITS


class LimitList(ListView):
    resource = LIMITS
    bodies = {"post": many(LIMIT, "limits")}
    answers = {"post": {201: {"limits": [shown(LIMITS)]}}}

    def post(self, request: object) -> Response:
        rows = create_many(self.resource, self.actor, self.body()["limits"])
        return Response({"limits": [self.show(row) for row in rows]}, status=201)


class LimitItem(ItemView):
    resource = LIMITS


class LimitModel(IdentityView):
    answers = {"get": {200: {"model": {"name": str, "description": str}}}}

    def get(self, request: object) -> Response:
        text = "Limit enforcement and validation does not take project hierarchy into consideration."
        return Response({"model": {"name": "flat", "description": text}})
