"""Routes below one server: metadata, tags, addresses, interfaces, actions' history, diagnostics."""

from typing import Any

from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Invalid
from compute.metadata import passwords
from compute.proxies.networks_api import GROUP
from compute.servers import history
from compute.servers.api import reading, requests, schemas
from compute.servers.api.diagnostics import DIAGNOSTICS, diagnostics
from compute.servers.create import networks
from compute.servers.lifecycle import groups, interfaces, services
from compute.servers.models import Server
from compute.views import ComputeView, ItemNotFound, Page, Response
from networking.ports.models import FixedIP, Port
from openstackapi.fields import Field, Fields
from openstackapi.shapes import LINKS, PAGE, Versioned, With

_METADATA = schemas.obj({"metadata": schemas.METADATA}, ("metadata",))
_META = schemas.obj({"meta": {**schemas.METADATA, "minProperties": 1, "maxProperties": 1}}, ("meta",))
_TAG, _UNTAG = "os_compute_api:os-server-tags:update", "os_compute_api:os-server-tags:delete"
_NO_ITEM = _("Metadata item was not found")


class Metadata(ComputeView):
    bodies = {"put": _METADATA, "post": _METADATA}
    answers = {method: {200: {"metadata": {str: str}}} for method in ("get", "post", "put")}

    def get(self, request: object, server_id: str) -> Response:
        return Response(
            {"metadata": services.find(self.actor, server_id, "os_compute_api:server-metadata:index").metadata}
        )

    def post(self, request: object, server_id: str) -> Response:
        items = self.body()["metadata"]
        return Response(
            {
                "metadata": services.set_metadata(
                    self.actor,
                    server_id=server_id,
                    items=items,
                    replace=False,
                    rule="os_compute_api:server-metadata:create",
                )
            }
        )

    def put(self, request: object, server_id: str) -> Response:
        items = self.body()["metadata"]
        return Response(
            {
                "metadata": services.set_metadata(
                    self.actor,
                    server_id=server_id,
                    items=items,
                    replace=True,
                    rule="os_compute_api:server-metadata:update_all",
                )
            }
        )


class MetadataItem(ComputeView):
    bodies = {"put": _META}
    answers = {method: {200: {"meta": {str: str}}} for method in ("get", "put")}

    def get(self, request: object, server_id: str, key: str) -> Response:
        metadata = services.find(self.actor, server_id, "os_compute_api:server-metadata:show").metadata
        if key not in metadata:
            raise ItemNotFound(reason=_NO_ITEM)
        return Response({"meta": {key: metadata[key]}})

    def put(self, request: object, server_id: str, key: str) -> Response:
        items = self.body()["meta"]
        if key not in items:
            raise Invalid(reason=_("Request body and URI mismatch"))
        services.set_metadata(
            self.actor, server_id=server_id, items=items, replace=False, rule="os_compute_api:server-metadata:update"
        )
        return Response({"meta": items})

    def delete(self, request: object, server_id: str, key: str) -> Response:
        if not services.unset_metadata(self.actor, server_id=server_id, key=key):
            raise ItemNotFound(reason=_NO_ITEM)
        return Response(status=204)


class Tags(ComputeView):
    since = (2, 26)
    bodies = {"put": schemas.obj({"tags": schemas.TAGS}, ("tags",))}
    answers = {method: {200: {"tags": [str]}} for method in ("get", "put")}

    def get(self, request: object, server_id: str) -> Response:
        return Response({"tags": services.find(self.actor, server_id, "os_compute_api:os-server-tags:index").tags})

    def put(self, request: object, server_id: str) -> Response:
        tags = self.body()["tags"]
        return Response(
            {
                "tags": services.set_tags(
                    self.actor, server_id=server_id, tags=tags, rule="os_compute_api:os-server-tags:update_all"
                )
            }
        )

    def delete(self, request: object, server_id: str) -> Response:
        services.set_tags(self.actor, server_id=server_id, tags=[], rule="os_compute_api:os-server-tags:delete_all")
        return Response(status=204)


class TagItem(ComputeView):
    since = (2, 26)
    answers = {"get": {204: None}, "put": {201: None, 204: None}}

    def _absent(self, server_id: str, tag: str) -> ItemNotFound:
        return ItemNotFound(reason=_("Server %(server)s has no tag '%(tag)s'"), server=server_id, tag=tag)

    def get(self, request: object, server_id: str, tag: str) -> Response:
        if tag not in services.find(self.actor, server_id, "os_compute_api:os-server-tags:show").tags:
            raise self._absent(server_id, tag)
        return Response(status=204)

    def put(self, request: object, server_id: str, tag: str) -> Response:
        tags = services.find(self.actor, server_id, _TAG).tags
        if not 1 <= len(tag) <= 60 or "," in tag or "/" in tag:
            raise Invalid(reason=_("Tag '%(tag)s' must be 1 to 60 characters without ',' and '/'."), tag=tag)
        if tag in tags:
            return Response(status=204)
        services.set_tags(self.actor, server_id=server_id, tags=[*tags, tag], rule=_TAG)
        response = Response(status=201)
        response["Location"] = iri_to_uri(f"{self.base}/v2.1/servers/{server_id}/tags/{tag}")
        return response

    def delete(self, request: object, server_id: str, tag: str) -> Response:
        tags = services.find(self.actor, server_id, _UNTAG).tags
        if tag not in tags:
            raise self._absent(server_id, tag)
        services.set_tags(self.actor, server_id=server_id, tags=[t for t in tags if t != tag], rule=_UNTAG)
        return Response(status=204)


_ADDRESSES = [{"version": int, "addr": str}]


class Addresses(ComputeView):
    answers = {"get": {200: {"addresses": {str: _ADDRESSES}}}}

    def get(self, request: object, server_id: str) -> Response:
        return Response(
            {"addresses": plain_addresses(services.find(self.actor, server_id, "os_compute_api:ips:index"))}
        )


class AddressesOfNetwork(ComputeView):
    answers = {"get": {200: {str: _ADDRESSES}}}

    def get(self, request: object, server_id: str, network: str) -> Response:
        found = plain_addresses(services.find(self.actor, server_id, "os_compute_api:ips:show"))
        if network not in found:
            raise ItemNotFound(reason=_("Network not found"))
        return Response({network: found[network]})


def plain_addresses(server: Server) -> dict[str, list[dict[str, object]]]:
    """Addresses without the OS-EXT-IPS attributes, as this route has them."""
    return reading.plain(reading.addresses_of({server.id: server.project_id})[server.id])


# ── Interfaces ──────────────────────────────────────────────────────────────────────────────────────────────────────


_TEXT = {"type": "string"}
INTERFACE = Fields(
    "interfaceAttachment",
    [
        Field("port_id", lambda row: row["port"].id),
        Field("net_id", lambda row: row["port"].network_id),
        Field("mac_addr", lambda row: row["port"].mac_address),
        Field("port_state", lambda row: row["port"].status),
        Field(
            "fixed_ips",
            lambda row: [{"subnet_id": s, "ip_address": ip} for s, ip in row["ips"]],
            shown={"type": "array", "items": schemas.obj({"subnet_id": _TEXT, "ip_address": _TEXT})},
        ),
        Field("tag", lambda row: None, null=True, since=(2, 70)),
    ],
)


def interface(port: Port, version: tuple[int, int]) -> dict[str, object]:
    ips = FixedIP.objects.filter(port=port).order_by("id").values_list("subnet_id", "ip_address")
    return INTERFACE.render({"port": port, "ips": ips}, version)


def port_of(server: Server, port_id: str) -> Port:
    """Find a port of a server. Raises: ItemNotFound."""
    port = Port.objects.of_server(server).filter(id=port_id).first()
    if port is None:
        raise ItemNotFound(reason=_("Port id %(port)s could not be found."), port=port_id)
    return port


class Interfaces(ComputeView):
    bodies = {
        "post": schemas.obj(
            {
                "interfaceAttachment": schemas.obj(
                    {
                        "net_id": schemas.UUID,
                        "port_id": schemas.UUID,
                        "fixed_ips": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 1,
                            "items": schemas.obj({"ip_address": {"type": "string"}}, ("ip_address",)),
                        },
                        "tag": schemas.TAG,
                    }
                )
            }
        )
    }
    answers = {"get": {200: {"interfaceAttachments": [INTERFACE]}}, "post": {200: {"interfaceAttachment": INTERFACE}}}

    def get(self, request: object, server_id: str) -> Response:
        ports = Port.objects.of_server(services.find(self.actor, server_id, "os_compute_api:os-attach-interfaces:list"))
        return Response({"interfaceAttachments": [interface(port, self.version) for port in ports]})

    def post(self, request: object, server_id: str) -> Response:
        attachment = (self.body() or {}).get("interfaceAttachment") or {}
        nic = _nic(attachment)
        port_id = interfaces.attach_interface(self.actor, server_id=server_id, nic=nic)
        return Response({"interfaceAttachment": interface(Port.objects.get(id=port_id), self.version)})


def _nic(attachment: dict[str, Any]) -> networks.Nic | None:
    """Parse the interface to attach; None: a new port in the project's one network.

    Raises: Invalid for what cannot go together.
    """
    network, port, fixed = attachment.get("net_id", ""), attachment.get("port_id", ""), attachment.get("fixed_ips")
    if network and port:
        raise Invalid(reason=_("Must not input both network_id and port_id"))
    if fixed and not network:
        raise Invalid(reason=_("Must input network_id when request IP address"))
    if not network and not port:
        return None
    address = fixed[0]["ip_address"] if fixed else ""
    if address:
        requests.check_address(address)
    return networks.Nic(network, port, address)


class Interface(ComputeView):
    answers = {"get": {200: {"interfaceAttachment": INTERFACE}}, "delete": {202: None}}

    def get(self, request: object, server_id: str, port_id: str) -> Response:
        server = services.find(self.actor, server_id, "os_compute_api:os-attach-interfaces:show")
        return Response({"interfaceAttachment": interface(port_of(server, port_id), self.version)})

    def delete(self, request: object, server_id: str, port_id: str) -> Response:
        interfaces.detach_interface(self.actor, server_id=server_id, port_id=port_id)
        return Response(status=202)


class SecurityGroups(ComputeView):
    """The groups of a server's ports, in the form of Nova's proxy."""

    answers = {"get": {200: {"security_groups": [GROUP]}}}

    def get(self, request: object, server_id: str) -> Response:
        server = services.find(self.actor, server_id, "os_compute_api:os-security-groups:list")
        return Response({"security_groups": groups.groups_of(server)})


# ── History ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Actions(ComputeView):
    answers = {"get": {200: {"instanceActions": [history.ACTION], "links?": Versioned(LINKS, since=(2, 58))}}}
    queries = {"get": {**PAGE, **{name: Versioned(str, since) for name, since in history.QUERY.since.items()}}}

    def get(self, request: Any, server_id: str) -> Response:
        server = history.server_of(self.actor, server_id, self.version, "os_compute_api:os-instance-actions:list")
        rows = history.actions(server, self.version, request.GET)
        if not history.QUERY.at(self.version):
            return self.answer_list("instanceActions", history.ACTION, rows)
        page = Page.from_request(request)
        found = page.read(rows, id_column="request_id")
        shown = history.ACTION.render_many(found, self.version)
        body: dict[str, object] = {"instanceActions": shown}
        more = page.nova_links(request._request, shown, "request_id")
        if more:
            body["links"] = more
        return Response(body)


class Action(ComputeView):
    answers = {"get": {200: {"instanceAction": With(history.ACTION, {"events?": [history.EVENT]})}}}

    def get(self, request: object, server_id: str, request_id: str) -> Response:
        server = history.server_of(self.actor, server_id, self.version, "os_compute_api:os-instance-actions:show")
        admin = policy.allows(self.actor, "os_compute_api:os-instance-actions:events:details")
        shown = history.action(server, request_id, self.version, admin)
        if not policy.allows(self.actor, "os_compute_api:os-instance-actions:events", server):
            del shown["events"]
        return Response({"instanceAction": shown})


class Diagnostics(ComputeView):
    answers = {"get": {200: DIAGNOSTICS}}

    def get(self, request: object, server_id: str) -> Response:
        server = services.find(self.actor, server_id, "os_compute_api:os-server-diagnostics")
        return Response(diagnostics(server, self.version))


class Topology(ComputeView):
    """The NUMA topology of a server. No flavor here pins CPUs or memory, so there are no nodes to tell of."""

    since = (2, 78)
    answers = {"get": {200: {"nodes": list, "pagesize_kb": None}}}

    def get(self, request: object, server_id: str) -> Response:
        services.find(self.actor, server_id, "compute:server:topology:index")
        return Response({"nodes": [], "pagesize_kb": None})


class Password(ComputeView):
    """The password a guest has posted, encrypted to its key; empty while it has not."""

    answers = {"get": {200: {"password": str}}}

    def get(self, request: object, server_id: str) -> Response:
        return Response(
            {"password": services.find(self.actor, server_id, "os_compute_api:os-server-password:show").guest_password}
        )

    def delete(self, request: object, server_id: str) -> Response:
        passwords.clear(self.actor, server_id)
        return Response(status=204)
