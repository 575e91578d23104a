"""Choosing by hand which agent carries a network or a router, on the wire."""

from rest_framework.request import Request

from authorization import policy
from networking.agents import scheduling, services
from networking.agents.models import DHCP, L3
from networking.networks.api import NETWORK
from networking.networks.models import Network
from networking.resource import NetworkView
from networking.routers.api import ROUTER
from networking.routers.models import Router
from openstackapi.render import NULL
from openstackapi.views import Response


def _body(name: str) -> dict[str, object]:
    return {"type": "object", "required": [name], "properties": {name: {"type": "string"}}}


class DhcpNetworks(NetworkView):
    """The networks whose DHCP an agent carries."""

    bodies = {"post": _body("network_id")}
    answers = {"get": {200: {"networks": [NETWORK.fields]}}, "post": {201: type(None)}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_dhcp-networks")
        rows = list(
            Network.objects.filter(dhcp_host=services.find(id, kind=DHCP).host.name).order_by("created_at", "id")
        )
        return Response({"networks": NETWORK.shown(rows, self.actor)})

    def post(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "create_dhcp-network")
        scheduling.place_network(self.actor, services.find(id, kind=DHCP).host, self.body()["network_id"])
        return Response(NULL, status=201)


class DhcpNetworkDetail(NetworkView):
    def delete(self, request: Request, id: str, network_id: str) -> Response:
        policy.require(self.actor, "delete_dhcp-network")
        scheduling.remove_network(self.actor, services.find(id, kind=DHCP).host, network_id)
        return Response(status=204)


class L3Routers(NetworkView):
    """The routers that an agent carries."""

    bodies = {"post": _body("router_id")}
    answers = {"get": {200: {"routers": [ROUTER.fields]}}, "post": {201: type(None)}}

    def get(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "get_l3-routers")
        rows = list(Router.objects.filter(host=services.find(id, kind=L3).host.name).order_by("created_at", "id"))
        return Response({"routers": ROUTER.shown(rows, self.actor)})

    def post(self, request: Request, id: str) -> Response:
        policy.require(self.actor, "create_l3-router")
        scheduling.place_router(self.actor, services.find(id, kind=L3).host, self.body()["router_id"])
        return Response(NULL, status=201)


class L3RouterDetail(NetworkView):
    def delete(self, request: Request, id: str, router_id: str) -> Response:
        policy.require(self.actor, "delete_l3-router")
        scheduling.remove_router(self.actor, services.find(id, kind=L3).host, router_id)
        return Response(status=204)
