"""Versions, extensions, service providers."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from common.errors import NotFound
from networking.extensions.catalog import EXTENSIONS, describe
from networking.resource import NetworkView
from openstackapi import states
from openstackapi.links import link
from openstackapi.shapes import LINKS
from openstackapi.views import Response

PREFIX = "/api/network"

#: Resources directly under /v2.0, as its document names them: (plural, singular).
RESOURCES = (
    ("networks", "network"),
    ("subnets", "subnet"),
    ("ports", "port"),
    ("routers", "router"),
    ("floatingips", "floatingip"),
    ("security-groups", "security_group"),
    ("security-group-rules", "security_group_rule"),
    ("subnetpools", "subnetpool"),
    ("address-scopes", "address_scope"),
    ("rbac-policies", "rbac_policy"),
    ("agents", "agent"),
    ("availability_zones", "availability_zone"),
    ("network-ip-availabilities", "network_ip_availability"),
    ("quotas", "quota"),
    ("extensions", "extension"),
    ("service-providers", "service_provider"),
)


class ExtensionNotFound(NotFound):
    template = _("Extension with alias %(id)s does not exist")


class Versions(NetworkView):
    """Versions of the API."""

    anonymous = True
    answers = {"get": {200: {"versions": [{"id": str, "status": str, "links": LINKS}]}}}

    def get(self, request: Request) -> Response:
        href = f"{self.root()}{PREFIX}/v2.0/"
        return Response({"versions": [{"id": "v2.0", "status": states.CURRENT, "links": [link("self", href)]}]})


class Version(NetworkView):
    """Resources under v2.0."""

    anonymous = True
    answers = {"get": {200: {"resources": [{"name": str, "collection": str, "links": LINKS}]}}}

    def get(self, request: Request) -> Response:
        base = f"{self.root()}{PREFIX}/v2.0"
        shown = [
            {"name": name, "collection": plural.replace("-", "_"), "links": [link("self", f"{base}/{plural}")]}
            for plural, name in RESOURCES
        ]
        return Response({"resources": shown})


_EXTENSION = {"name": str, "alias": str, "description": str, "updated": str, "links": LINKS}


class Extensions(NetworkView):
    answers = {"get": {200: {"extensions": [_EXTENSION]}}}

    def get(self, request: Request) -> Response:
        return Response({"extensions": [describe(alias) for alias in sorted(EXTENSIONS)]})


class ExtensionDetail(NetworkView):
    answers = {"get": {200: {"extension": _EXTENSION}}}

    def get(self, request: Request, alias: str) -> Response:
        if alias not in EXTENSIONS:
            raise ExtensionNotFound(id=alias)
        return Response({"extension": describe(alias)})


class ServiceProviders(NetworkView):
    """Providers of advanced services: routers are the only one here, without flavors to choose from."""

    answers = {"get": {200: {"service_providers": [{"service_type": str, "name": str, "default": bool}]}}}

    def get(self, request: Request) -> Response:
        own = {"service_type": "L3_ROUTER_NAT", "name": "single_node", "default": True}
        return Response({"service_providers": [own]})
