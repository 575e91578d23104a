"""Routes whose code Nova has removed: 410 for ever, so that an old client learns that the route is gone, not misspelt.

Source: the methods marked `wsgi.removed` behind nova/api/openstack/compute/routes.py.
"""

from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from common.errors import Gone, MethodNotAllowed
from compute.views import ComputeView, Response


class RouteRemoved(Gone):
    template = _("This resource is no longer available. No forwarding address is given.")


class Removed(ComputeView):
    """Answer 410 to `methods`, and 405 to the others."""

    methods: frozenset[str] = frozenset()
    unlisted = frozenset(("get", "post", "put", "delete"))

    def _gone(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        if request.method not in self.methods:
            raise MethodNotAllowed()
        raise RouteRemoved()

    get = post = put = delete = _gone


_ROUTES: tuple[tuple[str, str], ...] = (
    ("os-agents", "GET POST"),
    ("os-agents/<str:id>", "PUT DELETE"),
    ("os-cells", "GET POST"),
    ("os-cells/capacities", "GET"),
    ("os-cells/detail", "GET"),
    ("os-cells/info", "GET"),
    ("os-cells/sync_instances", "POST"),
    ("os-cells/<str:id>", "GET PUT DELETE"),
    ("os-cells/<str:id>/capacities", "GET"),
    ("os-certificates", "POST"),
    ("os-certificates/<str:id>", "GET"),
    ("os-cloudpipe", "GET POST"),
    ("os-cloudpipe/<str:id>", "PUT"),
    ("os-fixed-ips/<str:id>", "GET"),
    ("os-fixed-ips/<str:id>/action", "POST"),
    ("os-floating-ip-dns", "GET"),
    ("os-floating-ip-dns/<str:id>", "PUT DELETE"),
    ("os-floating-ip-dns/<str:domain_id>/entries/<str:id>", "GET PUT DELETE"),
    ("os-floating-ips-bulk", "GET POST"),
    ("os-floating-ips-bulk/<str:id>", "GET PUT"),
    ("os-fping", "GET"),
    ("os-fping/<str:id>", "GET"),
    ("os-networks/add", "POST"),
    ("os-networks/<str:id>/action", "POST"),
    ("os-security-group-default-rules", "GET POST"),
    ("os-security-group-default-rules/<str:id>", "GET DELETE"),
    ("servers/<str:server_id>/consoles", "GET POST"),
    ("servers/<str:server_id>/consoles/<str:id>", "GET DELETE"),
    ("servers/<str:server_id>/os-virtual-interfaces", "GET"),
)


def _route(address: str, methods: str) -> URLPattern:
    return path(address, Removed.as_view(methods=frozenset(methods.split())))


routes = [_route(address, methods) for address, methods in _ROUTES]
