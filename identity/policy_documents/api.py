"""Policy blobs and OS-ENDPOINT-POLICY."""

from rest_framework.response import Response

from identity.catalogs.api import _with_address
from identity.catalogs.services import ENDPOINTS
from identity.policy_documents import services
from identity.policy_documents.services import POLICIES
from identity.views import IdentityView, ItemView, ListView, collected, shown


class PolicyList(ListView):
    resource = POLICIES


class PolicyItem(ItemView):
    resource = POLICIES


class Association(IdentityView):
    answers = {"put": {204: None}, "get": {204: None}}

    def put(self, request: object, id: str, **keys: str) -> Response:
        services.associate(self.actor, id, keys)
        return Response(status=204)

    def get(self, request: object, id: str, **keys: str) -> Response:
        services.association(self.actor, id, keys)
        return Response(status=204)

    head = get

    def delete(self, request: object, id: str, **keys: str) -> Response:
        services.dissociate(self.actor, id, keys)
        return Response(status=204)


class PolicyEndpoints(IdentityView):
    answers = {"get": {200: collected("endpoints", shown(ENDPOINTS))}}

    def get(self, request: object, id: str) -> Response:
        rows = services.endpoints_of(self.actor, id)
        bodies = [self.linked(ENDPOINTS.render(row), f"/endpoints/{row.pk}") for row in rows]
        return self.collection("endpoints", [_with_address(body, self.root()) for body in bodies])


class EndpointPolicy(IdentityView):
    answers = {"get": {200: {"policy": shown(POLICIES)}}}

    def get(self, request: object, endpoint_id: str) -> Response:
        row = services.of_endpoint(self.actor, endpoint_id)
        return Response({"policy": self.linked(POLICIES.render(row), f"/policies/{row.pk}")})
