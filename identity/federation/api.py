"""OS-FEDERATION: what an operator declares."""

from typing import Any

from rest_framework.response import Response

from identity.federation import services
from identity.federation.fields import PROTOCOL
from identity.federation.services import MAPPINGS, PROVIDERS, SERVICE_PROVIDERS
from identity.resource import Values
from identity.views import SELF, IdentityView, ItemView, ListView, collected
from openstackapi.shapes import With


class _NamedItem(ItemView):
    """Made by PUT under a chosen id."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.answers = {**cls.answers, "put": {201: cls.answers["patch"][200]}}
        cls.bodies = {**cls.bodies, "put": cls.resource.fields.create_schema()}

    def put(self, request: object, id: str) -> Response:
        name = self.resource.fields.name
        values = self.body()[name]
        return Response({name: self.show(self.resource.create(self.actor, values, id=id))}, status=201)


class _ReadOnlyList(ListView):
    http_method_names = ["get", "head", "options"]


def _with_protocols(body: Values) -> Values:
    own = body["links"]["self"]
    return {**body, "links": {"self": own, "protocols": f"{own}/protocols"}}


class ProviderList(_ReadOnlyList):
    resource = PROVIDERS
    linked_to = {**SELF, "protocols": str}

    def show(self, row: object) -> Values:
        return _with_protocols(super().show(row))


class ProviderItem(_NamedItem):
    resource = PROVIDERS
    linked_to = {**SELF, "protocols": str}

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


_PROTOCOL = With(PROTOCOL, {"links": {**SELF, "identity_provider": str}})


class _ProtocolView(IdentityView):
    def show(self, provider_id: str, row: Any) -> Values:
        provider = self.url(f"/OS-FEDERATION/identity_providers/{provider_id}")
        links = {"self": f"{provider}/protocols/{row.id}", "identity_provider": provider}
        return {**PROTOCOL.render(row), "links": links}


class ProtocolList(_ProtocolView):
    answers = {"get": {200: collected("protocols", _PROTOCOL)}}

    def get(self, request: object, provider_id: str) -> Response:
        rows = services.protocols(self.actor, provider_id)
        return self.collection("protocols", [self.show(provider_id, row) for row in rows])


class ProtocolItem(_ProtocolView):
    bodies = {"put": PROTOCOL.create_schema(), "patch": PROTOCOL.update_schema()}
    answers = {
        "put": {201: {"protocol": _PROTOCOL}},
        "get": {200: {"protocol": _PROTOCOL}},
        "patch": {200: {"protocol": _PROTOCOL}},
    }

    def put(self, request: object, provider_id: str, id: str) -> Response:
        values = self.body()["protocol"]
        row = services.create_protocol(self.actor, provider_id, id, values)
        return Response({"protocol": self.show(provider_id, row)}, status=201)

    def get(self, request: object, provider_id: str, id: str) -> Response:
        return Response({"protocol": self.show(provider_id, services.protocol(self.actor, provider_id, id))})

    def patch(self, request: object, provider_id: str, id: str) -> Response:
        values = self.body()["protocol"]
        row = services.update_protocol(self.actor, provider_id, id, values)
        return Response({"protocol": self.show(provider_id, row)})

    def delete(self, request: object, provider_id: str, id: str) -> Response:
        services.protocol(self.actor, provider_id, id, verb="delete_protocol").delete()
        return Response(status=204)
