"""What a project sees of the cloud, and what hosts and guests are told because of it."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from audit import cadf
from authorization.context import RequestContext
from compute.keypairs.models import KeyPair
from compute.metadata import documents
from compute.servers.lifecycle import domain
from compute.servers.models import Server
from identity import audits
from images.images.models import Image
from networking.desired.rendering import render
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import FixedIP, Port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup
from tests.tenants.bodies import own
from tests.tenants.things import Side

Told = Iterator[tuple[str, str]]
METADATA = ("openstack/latest/meta_data.json", "openstack/latest/user_data", "openstack/latest/network_data.json",
            "openstack/latest/password", "latest/user-data", "latest/meta-data/hostname")  # fmt: skip


def marks_of(side: Side) -> set[str]:
    """All by which a thing of the side is known: its word, its ids, MACs, addresses."""
    mine = Port.objects.filter(Q(project_id=side.project) | Q(router__project_id=side.project))
    addresses = FixedIP.objects.filter(port__in=mine, port__network__external=False)
    outer = FloatingIP.objects.filter(project_id=side.project)
    marks = {side.word, *side.things.values(), *mine.values_list("id", flat=True)}
    marks |= {*mine.values_list("mac_address", flat=True), *addresses.values_list("ip_address", flat=True)}
    marks |= {*outer.values_list("floating_ip_address", flat=True)}
    for public, fingerprint in KeyPair.objects.filter(user_id=side.user).values_list("public_key", "fingerprint"):
        marks |= {public.strip(), fingerprint}
    return marks - {"", side.project, side.user}


def bare(body: dict[str, Any]) -> dict[str, Any]:
    """A body of an order without what its user wrote for the guest (drive) and for the server's row."""
    return {name: value for name, value in body.items() if name not in ("config_drive", "metadata")}


def orders(side: Side) -> Told:
    """What hosts are told for the sake of the side's servers, now and at their next start, and of its networks."""
    for server in Server.objects.filter(project_id=side.project, deleted=False):
        yield f"domain of {server.name}", json.dumps(bare(domain.spec(server)))
        yield f"disk of {server.name}", json.dumps(domain.disk(server))
    pieces = []
    for kind, model in (("network", Network), ("dhcp", Network), ("port", Port), ("router", Router)):
        pieces += [f"{kind}:{id}" for id in model.objects.filter(project_id=side.project).values_list("id", flat=True)]
    groups = SecurityGroup.objects.filter(project_id=side.project)
    pieces += [f"group:{id}" for id in groups.values_list("id", flat=True)]
    for piece, on in render(pieces).items():
        for body in on.values():
            yield piece, json.dumps(body)


def drives(side: Side) -> Told:
    """What guests read from their configuration drives."""
    for server in Server.objects.filter(project_id=side.project, deleted=False):
        for name, content in documents.config_drive(server).items():
            yield f"config drive of {server.name}: {name}", base64.b64decode(content).decode(errors="replace")


def metadata(side: Side) -> Told:
    """What guests read: from each address of the side's ports, on their networks and through the side's routers."""
    ports = Port.objects.filter(Q(project_id=side.project) | Q(network__project_id=side.project))
    routers = list(Router.objects.filter(project_id=side.project).values_list("id", flat=True))
    for ip, network in FixedIP.objects.filter(port__in=ports).values_list("ip_address", "port__network_id"):
        for way in ({"NETWORK": network}, *({"ROUTER": router} for router in routers)):
            headers = {f"HTTP_X_STACKLING_{name}": value for name, value in way.items()}
            for path in METADATA:
                answer = Client().get(f"/internal/metadata/{path}", HTTP_X_STACKLING_CLIENT=ip, **headers)
                yield f"metadata of {ip} {way} {path}", answer.content.decode(errors="replace")


def fetches(side: Side) -> Told:
    """Images that hosts read for the side, by id and by the bytes in them."""
    for server in Server.objects.filter(project_id=side.project, deleted=False):
        told = json.dumps([domain.disk(server), bare(domain.spec(server))])
        for image in Image.objects.all():
            if image.id in told:
                yield f"image for {server.name}", f"{image.id} {image.name}"


def routes(data: dict[str, Any], side: Side) -> Told:
    """Each list and each of the side's own things by the APIs."""
    for path, operations in data["paths"].items():
        if "get" not in operations or "{x}" in path:
            continue
        done = fill(path, side)
        answer = side.asker.ask("get", done, headers={"OpenStack-API-Version": "compute latest"})
        if answer.status_code == 200 and not getattr(answer, "streaming", False):
            yield f"GET {done}", answer.content.decode(errors="replace")


def named(path: str, name: str, side: Side) -> str:
    """The side's own thing for one parameter of a path."""
    before = path.partition("/{" + name + "}")[0].rpartition("/")[2].rstrip("s").replace("-", "_")
    wanted = name if name not in ("id", "uuid", "name") else before
    return side.things.get(wanted) or own(side, wanted) or own(side, name) or "x"


def fill(path: str, side: Side, **given: str) -> str:
    """A path with its parameters: those given, else the side's own things by their names and by what stands before."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    values = {name: given.get(name) or named(path, name, side) for name in names}
    return "/".join(values[part[1:-1]] if part.startswith("{") else part for part in path.split("/"))


def pages(client: Client, side: Side) -> Told:
    """Each page of the portal that has no parameter, and each of the side's own things."""
    for route in _routes(get_resolver("portal.urls").url_patterns):
        for kind in _kinds_of(route):
            path = _page(route, side, kind)
            if path is None or "sign-out" in path:
                continue
            answer = client.get(path)
            if answer.status_code == 200 and not answer.streaming:
                yield f"page {path}", answer.content.decode(errors="replace")


def _routes(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield str(pattern.pattern)
        else:
            yield from (str(pattern.pattern) + rest for rest in _routes(pattern.url_patterns))


#: First part of a page's path → the kind of thing it is about.
PAGES = {"instances": "server", "images": "image", "key-pairs": "keypair", "networks": "network", "ports": "port", "routers": "router",
         "floating-ips": "floatingip", "security-groups": "security_group", "projects": "project", "users": "user"}  # fmt: skip
PARTS = {"subnet": "subnet", "port": "port", "rule": "security_group_rule"}
TABS = ("console", "log", "activity", "interfaces")


def _kinds_of(route: str) -> tuple[str, ...]:
    return TABS if "<str:tab>" in route else ("",)


def _page(route: str, side: Side, tab: str) -> str | None:
    done = []
    for part in route.split("/"):
        if not part.startswith("<"):
            done.append(part)
            continue
        name = part.strip("<>").partition(":")[2]
        kind = PARTS.get(name) or (PAGES.get(done[0], "") if name == "id" else "")
        value = tab if name == "tab" else side.things.get(kind, "")
        if not value:
            return None
        done.append(value)
    return "/" + "/".join(done)


#: Where no id of another project may stand, and where one that its reader wrote as a text may come back.
def records(side: Side) -> Told:
    """The audit records that a manager of the side's project reads."""
    manager = RequestContext(
        user_id=side.user, project_id=side.project, roles=frozenset({"manager", "member", "reader"})
    )
    for row in audits.visible(manager):
        yield f"record {row.action} {row.target_type}", json.dumps(cadf.as_dict(row), ensure_ascii=False)


STRICT: tuple[Callable[[Side], Told], ...] = (orders, fetches)
TOLD: tuple[Callable[[Side], Told], ...] = (drives, metadata, records)
