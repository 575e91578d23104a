"""Bodies for each write of the cloud's own document, with one value put into one place."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.tenants.things import KINDS, Side

Path = tuple[str, ...]
MISSING = object()

#: What a free-form object is known to take: the document calls it an object and no more.
KEYS: dict[str, tuple[str, ...]] = {
    "external_gateway_info": ("network_id",),
    "allowed_address_pairs": ("ip_address",),
    "rebuild": ("imageRef", "key_name"),
    "block_device_mapping_v2": ("uuid",),
    "os:scheduler_hints": ("group", "same_host", "different_host"),
    "image_properties": ("kernel_id", "ramdisk_id", "owner"),
    "metadata": ("kernel_id", "ramdisk_id", "instance_uuid", "image_id", "server"),
}
#: Properties that an image may be given besides those in its schema.
IMAGE_PROPERTIES = ("kernel_id", "ramdisk_id", "instance_uuid", "base_image_ref", "image_id", "owner_id", "volume_id")


def _port(side: Side) -> dict[str, Any]:
    return {"port": {"network_id": side.one("network")}}


def _guest(side: Side) -> dict[str, Any]:
    return {"port": {"network_id": side.one("network"), "device_owner": "compute:nova"}}


def _leg(side: Side) -> dict[str, Any]:
    return {"port": {"network_id": side.one("network"), "device_owner": "network:router_interface"}}


def _server(side: Side) -> dict[str, Any]:
    return {"server": {"name": "more", "imageRef": side.one("image"), "flavorRef": "tiny",
                       "networks": [{"uuid": side.one("network")}]}}  # fmt: skip


def _subnet(side: Side) -> dict[str, Any]:
    return {"subnet": {"network_id": side.one("network"), "cidr": "10.99.0.0/24", "ip_version": 4}}


def _rule(side: Side) -> dict[str, Any]:
    return {"security_group_rule": {"security_group_id": side.one("security_group"), "direction": "ingress"}}


def _share(side: Side) -> dict[str, Any]:
    return {"rbac_policy": {"object_type": "network", "object_id": side.one("network"), "action": "access_as_shared",
                            "target_tenant": "nobody"}}  # fmt: skip


#: (method, path) → bodies that work as they are: places are filled in these, so that a request gets as far as it can.
BASES: dict[tuple[str, str], list[Callable[[Side], dict[str, Any]]]] = {
    ("post", "/api/network/v2.0/ports"): [_port, _guest, _leg],
    ("put", "/api/network/v2.0/ports/{id}"): [
        lambda s: {"port": {}},
        lambda s: {"port": {"device_owner": "compute:nova"}},
        lambda s: {"port": {"device_owner": "network:router_interface"}},
    ],
    ("post", "/api/compute/v2.1/servers"): [_server],
    ("post", "/api/network/v2.0/subnets"): [_subnet],
    ("post", "/api/network/v2.0/security-group-rules"): [_rule],
    ("post", "/api/network/v2.0/rbac-policies"): [_share],
    ("post", "/api/network/v2.0/floatingips"): [lambda s: {"floatingip": {"floating_network_id": s.outside}}],
    ("put", "/api/network/v2.0/floatingips/{id}"): [lambda s: {"floatingip": {}}],
    ("post", "/api/image/v2/images"): [lambda s: {"disk_format": "raw", "container_format": "bare"}],
    ("post", "/api/network/v2.0/routers"): [lambda s: {"router": {}}],
    ("put", "/api/network/v2.0/routers/{id}/add_router_interface"): [lambda s: {}],
    ("put", "/api/network/v2.0/routers/{id}/remove_router_interface"): [lambda s: {}],
}


@dataclass(frozen=True)
class Document:
    """The cloud's OpenAPI document, for reading schemas."""

    data: dict[str, Any]

    def schema(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = self.data["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]]
        return node

    def places(self, node: dict[str, Any], path: Path = ()) -> Iterator[Path]:
        """Where a text can stand in a body."""
        node = self.schema(node)
        if "enum" in node or len(path) > 7 or node.get("readOnly"):
            return
        types = node.get("type") if isinstance(node.get("type"), list) else [node.get("type")]
        for choice in ("oneOf", "anyOf", "allOf"):
            for one in node.get(choice, ()):
                yield from self.places(one, path)
        for name, child in (node.get("properties") or {}).items():
            yield from self.places(child, (*path, name))
        if "object" in types and not node.get("properties"):
            names = [part for part in path if part != "[]"]
            yield from ((*path, key) for key in KEYS.get(names[-1] if names else "", ()))
        if "array" in types or "items" in node:
            yield from self.places(node.get("items") or {"type": "string"}, (*path, "[]"))
        if "string" in types or not node:
            yield path

    def sample(self, node: dict[str, Any], name: str, side: Side) -> Any:
        """A least value that the schema takes, of the side's own things."""
        node = self.schema(node)
        if "enum" in node:
            return next((value for value in node["enum"] if value is not None), None)
        for choice in ("oneOf", "anyOf"):
            if choice in node:
                return self.sample(node[choice][0], name, side)
        types = node.get("type") if isinstance(node.get("type"), list) else [node.get("type")]
        match next((kind for kind in types if kind != "null"), None):
            case "object":
                known = node.get("properties") or {}
                wanted = node.get("required") or (list(known)[:1] if node.get("minProperties") else [])
                return {key: self.sample(known.get(key, {}), key, side) for key in wanted}
            case "array":
                return [self.sample(node.get("items") or {}, name, side)] if node.get("minItems") else []
            case "integer" | "number":
                return node.get("minimum", 1)
            case "boolean":
                return False
            case _:
                return own(side, name) or "some text"


def own(side: Side, name: str) -> str:
    """The side's own thing that a field of this name takes."""
    return next((side.one(kind.name) for kind in KINDS if kind.fits(name)), "")


def put(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with the value at the path; objects and lists on the way are made."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if head == "[]":
        first = body[0] if isinstance(body, list) and body else MISSING
        return [put(None if first is MISSING else first, rest, value)]
    made = copy.deepcopy(body) if isinstance(body, dict) else {}
    made[head] = put(made.get(head), rest, value)
    return made


def fits_pattern(document: Document, node: dict[str, Any], path: Path, value: str) -> bool:
    """Whether the schema's own pattern lets the value in at all."""
    node = document.schema(node)
    for part in path:
        children = node.get("items") if part == "[]" else (node.get("properties") or {}).get(part)
        if children is None:
            return True
        node = document.schema(children)
    pattern = node.get("pattern")
    return not pattern or re.search(pattern, value) is not None
