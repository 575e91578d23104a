"""The metadata service behind the agents' proxies: /internal/metadata/<path>.

An agent says on which network or router a request came in and from which address; the server is who has that address
there. The first request is a fact of the launch: the guest's network works.
"""

import json
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from common.clock import now
from common.errors import CloudError
from compute.metadata import documents, passwords
from compute.servers.lifecycle import services
from compute.servers.models import Server
from hosts.agents import authenticate_agent
from networking.desired.models import HostPiece
from networking.ports.models import FixedIP
from networking.routers.models import Router
from openstackapi.faults import status_of


def _text(text: str | bytes, kind: str = "text/plain; charset=utf-8") -> HttpResponse:
    return HttpResponse(text, content_type=kind)


def _json(data: object) -> HttpResponse:
    return _text(json.dumps(data), "application/json")


def _not_found() -> HttpResponse:
    return HttpResponse("404 Not Found\n", status=404, content_type="text/plain")


def server_at(*, network: str, router: str, address: str) -> Server | None:
    """Find the server that has `address` on a network, or on a subnet of a router's interface; None if there is none.

    A router answers for guests of its own project and, on networks of its own project, for everybody's: its owner may send
    any address through it, so on a network that is only shared with them by RBAC it says nothing of others' guests.
    """
    rows = FixedIP.objects.filter(ip_address=address).exclude(port__server_id="")
    if network:
        rows = rows.filter(port__network_id=network)
    elif router:
        rows = rows.filter(subnet__in=FixedIP.objects.filter(port__router=router).values("subnet"))
        owner = Router.objects.filter(pk=router).values("project_id")
        rows = rows.filter(Q(port__project_id__in=owner) | Q(port__network__project_id__in=owner))
    else:
        return None
    found = rows.values_list("port__server_id", "port__project_id").first()
    return Server.objects.living().filter(id=found[0], project_id=found[1]).first() if found else None


def may_ask(host: str, server: Server, *, network: str, router: str) -> bool:
    """Whether a host may read a server's metadata: it runs the server, or serves the network's DHCP or the router."""
    if server.host == host:
        return True
    piece = f"dhcp:{network}" if network else f"router:{router}"
    return HostPiece.objects.filter(host=host, piece=piece).exclude(wanted="").exists()


@csrf_exempt
def metadata(request: HttpRequest, path: str = "") -> HttpResponse:
    try:
        host = authenticate_agent(request)
    except CloudError as error:
        return HttpResponse(error.message, status=status_of(error, "compute"), content_type="text/plain")
    network = request.META.get("HTTP_X_STACKLING_NETWORK", "")
    router = request.META.get("HTTP_X_STACKLING_ROUTER", "")
    server = server_at(network=network, router=router, address=request.META.get("HTTP_X_STACKLING_CLIENT", ""))
    if server is None or not may_ask(host.name, server, network=network, router=router):
        return _not_found()
    if server.metadata_at is None:
        services.note_fact(server.id, "metadata_at", now())
    parts = [part for part in path.split("/") if part]
    if request.method == "POST" and _is_password(parts):
        return _keep_password(server, request.body)
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405)
    return answer(server, parts, path.endswith("/"))


def _is_password(parts: list[str]) -> bool:
    return len(parts) == 3 and parts[0] == "openstack" and parts[2] == "password" and parts[1] in _VERSIONS


def _keep_password(server: Server, body: bytes) -> HttpResponse:
    try:
        passwords.keep(server.id, body)
    except CloudError as error:
        return HttpResponse(error.message, status=status_of(error, "compute"), content_type="text/plain")
    return HttpResponse(status=200)


def answer(server: Server, parts: list[str], folder: bool = False) -> HttpResponse:
    """Answer one path of the metadata tree, split at its slashes; [] is the root."""
    if not parts:
        return _text("\n".join((*documents.EC2_VERSIONS, "latest")))
    if parts[0] == "openstack":
        return _openstack(server, parts[1:])
    if parts[0] in documents.EC2_VERSIONS or parts[0] == "latest":
        return _ec2(server, parts[1:])
    return _not_found()


_VERSIONS = (*documents.OPENSTACK_VERSIONS, "latest")
_FILES = ("meta_data.json", "user_data", "password", "vendor_data.json", "vendor_data2.json", "network_data.json")


def _openstack(server: Server, parts: list[str]) -> HttpResponse:
    if not parts:
        return _text("\n".join((*documents.OPENSTACK_VERSIONS, "latest")))
    if parts[0] not in _VERSIONS:
        return _not_found()
    data = documents.user_data(server)
    names = documents.files_since(parts[0], (name for name in _FILES if name != "user_data" or data is not None))
    if parts[1:] and parts[1] not in names:
        return _not_found()
    match parts[1:]:
        case []:
            return _text("\n".join(names))
        case ["meta_data.json"]:
            return _json(documents.meta_data(documents.facts_of(server)))
        case ["network_data.json"]:
            return _json(documents.network_data(documents.facts_of(server)))
        case ["vendor_data.json" | "vendor_data2.json"]:
            return _json({})
        case ["password"]:
            return _text(server.guest_password)
        case ["user_data"] if data is not None:
            return _text(data, "application/octet-stream")
    return _not_found()


def _ec2(server: Server, parts: list[str]) -> HttpResponse:
    data = documents.user_data(server)
    match parts:
        case []:
            return _text("meta-data/\nuser-data" if data is not None else "meta-data/")
        case ["user-data"]:
            return _text(data, "application/octet-stream") if data is not None else _not_found()
        case ["meta-data", *rest]:
            return _ec2_tree(documents.ec2_document(documents.facts_of(server)), rest)
    return _not_found()


def _ec2_tree(node: Any, parts: list[str]) -> HttpResponse:
    for part in parts:
        if not isinstance(node, dict) or part not in node or part == "_name":
            return _not_found()
        node = node[part]
    return _text(_listing(node) if isinstance(node, dict) else node)


def _listing(node: dict[str, Any]) -> str:
    """The names in a folder: folders end in a slash, one with a `_name` stands as that."""
    lines = []
    for name, child in sorted(node.items()):
        if name != "_name":
            lines.append(child.get("_name", f"{name}/") if isinstance(child, dict) else name)
    return "\n".join(lines)
