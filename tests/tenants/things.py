"""One thing of each kind, made through the APIs by two projects that have nothing to do with each other.

A service joins with a line for each kind of thing that it has: in KINDS, or in KINDS of a `things.py` of its own folder of tests.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.openstackapi.asking import Asker

NETWORK, IDENTITY = "/api/network/v2.0", "/api/identity/v3"
COMPUTE, IMAGE = "/api/compute/v2.1", "/api/image/v2"


@dataclass
class Side:
    """A project with a member in it. `word` is in the name, description or content of all that it has; in no id of it."""

    word: str
    cidr: str
    project: str
    user: str
    asker: Asker
    admin: Asker
    outside: str  # the external network of the cloud
    things: dict[str, str] = field(default_factory=dict)  # kind → id

    def make(self, path: str, body: dict[str, Any], *, by_admin: bool = False) -> str:
        asker = self.admin if by_admin else self.asker
        found = asker.make(path, body)
        return str(found["id"])

    def one(self, kind: str) -> str:
        return self.things[kind]


@dataclass(frozen=True)
class Kind:
    """`fields`: the names of fields and parameters that take ids of this kind. `make` gives the id of a new one."""

    name: str
    fields: str
    make: Callable[[Side], str]

    def fits(self, name: str) -> bool:
        return bool(re.search(self.fields, name))


def _text(side: Side, **more: Any) -> dict[str, Any]:
    return {"name": f"{side.word}-name", "description": f"{side.word} says", **more}


def _image(side: Side) -> str:
    body = {"name": f"{side.word}-image", "disk_format": "raw", "container_format": "bare", f"{side.word}": "x"}
    made = side.make(f"{IMAGE}/images", body)
    content = side.word.encode().ljust(512, b"\0")
    sent = side.asker.ask("put", f"{IMAGE}/images/{made}/file", content, "application/octet-stream")
    assert sent.status_code == 204, sent.content
    return made


def _server(side: Side) -> str:
    data = base64.b64encode(f"#!/bin/sh\n# {side.word}".encode()).decode()
    body = {"name": f"{side.word}-server", "imageRef": side.one("image"), "flavorRef": "tiny", "user_data": data,
            "key_name": side.one("keypair"), "metadata": {"mark": side.word}, "config_drive": True,
            "security_groups": [{"name": side.one("security_group")}],
            "networks": [{"uuid": side.one("network")}]}  # fmt: skip
    return side.make(f"{COMPUTE}/servers", {"server": body})


def _snapshot(side: Side) -> str:
    action = json.dumps({"createImage": {"name": f"{side.word}-snapshot"}})
    path = f"{COMPUTE}/servers/{side.one('server')}/action"
    answer = side.asker.ask("post", path, action, headers={"OpenStack-API-Version": "compute 2.45"})
    assert answer.status_code == 202, answer.content
    return str(answer.json()["image_id"])


def _router(side: Side) -> str:
    gateway = {"external_gateway_info": {"network_id": side.outside}}
    made = side.make(f"{NETWORK}/routers", {"router": _text(side, **gateway)})
    leg = json.dumps({"subnet_id": side.one("subnet")})
    assert side.asker.ask("put", f"{NETWORK}/routers/{made}/add_router_interface", leg).status_code == 200
    return made


def _keypair(side: Side) -> str:
    answer = side.asker.make(f"{COMPUTE}/os-keypairs", {"keypair": {"name": f"key-{side.word[::-1]}"}})
    return str(answer["name"])


def _group(side: Side) -> str:
    headers = {"OpenStack-API-Version": "compute 2.64"}
    body = json.dumps({"server_group": {"name": f"{side.word}-group", "policy": "anti-affinity"}})
    answer = side.asker.ask("post", f"{COMPUTE}/os-server-groups", body, headers=headers)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["server_group"]["id"])


def _flavor(side: Side) -> str:
    body = {"name": f"{side.word}-flavor", "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
    made = side.make(f"{COMPUTE}/flavors", {"flavor": body}, by_admin=True)
    action = json.dumps({"addTenantAccess": {"tenant": side.project}})
    assert side.admin.ask("post", f"{COMPUTE}/flavors/{made}/action", action).status_code == 200
    return made


def _namespace(side: Side) -> str:
    name = f"space-{side.word[::-1]}"
    body = json.dumps({"namespace": name, "owner": side.project, "description": side.word})
    answer = side.admin.ask("post", f"{IMAGE}/metadefs/namespaces", body)
    assert answer.status_code == 201, answer.content
    return name


def _rule(side: Side) -> str:
    body = {"security_group_id": side.one("security_group"), "direction": "ingress", "description": side.word}
    return side.make(f"{NETWORK}/security-group-rules", {"security_group_rule": body})


def _subnet(side: Side) -> str:
    body = {"network_id": side.one("network"), "cidr": side.cidr, "ip_version": 4}
    return side.make(f"{NETWORK}/subnets", {"subnet": _text(side, **body)})


def _credential(side: Side) -> str:
    body = {"type": "cert", "blob": side.word, "user_id": side.user}
    return side.make(f"{IDENTITY}/credentials", {"credential": body})


def _application(side: Side) -> str:
    path = f"{IDENTITY}/users/{side.user}/application_credentials"
    return side.make(path, {"application_credential": _text(side)})


def _ec2(side: Side) -> str:
    path = f"{IDENTITY}/users/{side.user}/credentials/OS-EC2"
    return str(side.asker.make(path, {"tenant_id": side.project})["access"])


def _simple(path: str, body: Callable[[Side], dict[str, Any]]) -> Callable[[Side], str]:
    return lambda side: side.make(path, body(side))


#: In the order in which they can be made.
KINDS: tuple[Kind, ...] = (
    Kind("project", r"project|tenant|owner|^member|target", lambda side: side.project),
    Kind("user", r"user|trustor|trustee", lambda side: side.user),
    Kind("network", r"network|^net|uuid", _simple(f"{NETWORK}/networks", lambda s: {"network": _text(s)})),
    Kind("subnet", r"subnet", _subnet),
    Kind("security_group", r"group", _simple(f"{NETWORK}/security-groups", lambda s: {"security_group": _text(s)})),
    Kind("security_group_rule", r"rule", _rule),
    Kind("port", r"port", _simple(f"{NETWORK}/ports", lambda s: {"port": _text(s, network_id=s.one("network"))})),
    Kind("router", r"router|device", _router),
    Kind("floatingip", r"floating", _simple(
        f"{NETWORK}/floatingips",
        lambda s: {"floatingip": {"floating_network_id": s.outside, "description": s.word}})),
    Kind("subnetpool", r"pool", _simple(
        f"{NETWORK}/subnetpools", lambda s: {"subnetpool": _text(s, prefixes=["10.64.0.0/16"])})),
    Kind("address_scope", r"scope", _simple(
        f"{NETWORK}/address-scopes", lambda s: {"address_scope": {"name": f"{s.word}-scope", "ip_version": 4}})),
    Kind("keypair", r"key", _keypair),
    Kind("image", r"image|kernel|ramdisk|[Rr]ef", _image),
    Kind("server_group", r"group", _group),
    Kind("flavor", r"flavor", _flavor),
    Kind("server", r"server|device|instance|host|uuid|consumer", _server),
    Kind("snapshot", r"image|kernel", _snapshot),
    Kind("namespace", r"namespace", _namespace),
    Kind("credential", r"credential", _credential),
    Kind("application_credential", r"credential", _application),
    Kind("ec2", r"access|credential", _ec2),
)  # fmt: skip
KINDS += tuple(
    kind
    for path in sorted(Path(__file__).parents[1].glob("*/things.py"))
    if path != Path(__file__)
    for kind in import_module(f"tests.{path.parent.name}.things").KINDS
)
