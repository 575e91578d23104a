"""Regions, services, endpoints."""

from rest_framework.response import Response

from identity import catalog
from identity.catalogs.services import ENDPOINTS, REGIONS, SERVICES
from identity.resource import Values
from identity.views import ItemView, ListView, shown


class RegionList(ListView):
    resource = REGIONS


class RegionItem(ItemView):
    resource = REGIONS
    bodies = {"put": REGIONS.fields.create_schema(extra=True)}
    answers = {"put": {201: {"region": shown(REGIONS)}}}

    def put(self, request: object, id: str) -> Response:
        values = {**(self.body()["region"]), "id": id}
        return Response({"region": self.show(REGIONS.create(self.actor, values))}, status=201)


class ServiceList(ListView):
    resource = SERVICES


class ServiceItem(ItemView):
    resource = SERVICES


class EndpointList(ListView):
    resource = ENDPOINTS

    def show(self, row: object) -> Values:
        return _with_address(super().show(row), self.root())


class EndpointItem(ItemView):
    resource = ENDPOINTS

    def show(self, row: object) -> Values:
        return _with_address(super().show(row), self.root())


def _with_address(body: Values, root: str) -> Values:
    """The endpoint with the reverse proxy's address filled in; what depends on the caller stays a name."""
    return {**body, "url": body["url"].replace(catalog.PUBLIC, root)}
