"""OS-FEDERATION: what an operator declares."""

from typing import Any

from rest_framework.response import Response

from identity.federation import services
from identity.federation.fields import PROTOCOL
from identity.federation.services import MAPPINGS, PROVIDERS, SERVICE_PROVIDERS
from identity.resource import Values
from identity.views import IdentityView, ItemView, ListView


class _NamedItem(ItemView):
    """Made by PUT under a chosen id."""

    def put(self, request: object, id: str) -> Response:
        name = self.resource.fields.name
        values = self.body(self.resource.fields.create_schema())[name]
        return Response({name: self.show(self.resource.create(self.actor, values, id=id))}, status=201)


class _ReadOnlyList(ListView):
    http_method_names = ["get", "head", "options"]


def _with_protocols(body: Values) -> Values:
    own = body["links"]["self"]
    return {**body, "links": {"self": own, "protocols": f"{own}/protocols"}}


class ProviderList(_ReadOnlyList):
    resource = PROVIDERS

    def show(self, row: object) -> Values:
        return _with_protocols(super().show(row))


class ProviderItem(_NamedItem):
    resource = PROVIDERS

    def show(self, row: object) -> Values:
        return _with_protocols(super().show(row))


class MappingList(_ReadOnlyList):
    resource = MAPPINGS


class MappingItem(_NamedItem):
    resource = MAPPINGS


class ServiceProviderList(_ReadOnlyList):
    resource = SERVICE_PROVIDERS


class ServiceProviderItem(_NamedItem):
    resource = SERVICE_PROVIDERS


class _ProtocolView(IdentityView):
    def show(self, provider_id: str, row: Any) -> Values:
        provider = self.url(f"/OS-FEDERATION/identity_providers/{provider_id}")
        links = {"self": f"{provider}/protocols/{row.id}", "identity_provider": provider}
        return {**PROTOCOL.render(row), "links": links}


class ProtocolList(_ProtocolView):
    def get(self, request: object, provider_id: str) -> Response:
        rows = services.protocols(self.actor, provider_id)
        return self.collection("protocols", [self.show(provider_id, row) for row in rows])


class ProtocolItem(_ProtocolView):
    def put(self, request: object, provider_id: str, id: str) -> Response:
        values = self.body(PROTOCOL.create_schema())["protocol"]
        row = services.create_protocol(self.actor, provider_id, id, values)
        return Response({"protocol": self.show(provider_id, row)}, status=201)

    def get(self, request: object, provider_id: str, id: str) -> Response:
        return Response({"protocol": self.show(provider_id, services.protocol(self.actor, provider_id, id))})

    def patch(self, request: object, provider_id: str, id: str) -> Response:
        values = self.body(PROTOCOL.update_schema())["protocol"]
        row = services.update_protocol(self.actor, provider_id, id, values)
        return Response({"protocol": self.show(provider_id, row)})

    def delete(self, request: object, provider_id: str, id: str) -> Response:
        services.protocol(self.actor, provider_id, id, verb="delete_protocol").delete()
        return Response(status=204)
