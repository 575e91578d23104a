"""A client of every service, and one thing of each kind made through it."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import StreamingHttpResponse
from django.test import Client

ADMIN, DEMO = "admin's password", "demo's password"
_client = Client(raise_request_exception=False)  # a fault of the cloud is an answer, 500


@dataclass
class Asker:
    token: str

    @classmethod
    def sign_in(cls, name: str, password: str, project: str = "") -> "Asker":
        """`project` "": the one that is named as the user."""
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        scope = {"project": {"name": project or name, "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        answer = cls("").ask("post", "/api/identity/v3/auth/tokens", json.dumps(body))
        assert answer.status_code == 201, answer.content
        return cls(answer["X-Subject-Token"])

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        media: str = "application/json",
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Any:
        own = {"X-Auth-Token": self.token} if self.token else {}
        answer = _client.generic(
            method.upper(), path, body, media if body else "", QUERY_STRING=query, headers={**own, **(headers or {})}
        )
        if isinstance(answer, StreamingHttpResponse):
            b"".join(answer.streaming_content)
        return answer

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask("post", path, json.dumps(body))
        assert answer.status_code in (200, 201, 202), (path, answer.status_code, answer.content)
        found: dict[str, Any] = answer.json()
        return found if "id" in found else next(iter(found.values()))


def furnish(admin: Asker) -> None:
    """One thing of each kind, so that paths with ids lead somewhere."""
    net, identity, compute = "/api/network/v2.0", "/api/identity/v3", "/api/compute/v2.1"
    network = admin.make(f"{net}/networks", {"network": {"name": "inside"}})
    subnet = {"network_id": network["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
    made = admin.make(f"{net}/subnets", {"subnet": subnet})
    outside = admin.make(f"{net}/networks", {"network": {"name": "outside", "router:external": True}})
    admin.make(f"{net}/subnets", {"subnet": {**subnet, "network_id": outside["id"], "cidr": "203.0.113.0/24"}})
    router = admin.make(f"{net}/routers", {"router": {"external_gateway_info": {"network_id": outside["id"]}}})
    joined = json.dumps({"subnet_id": made["id"]})
    assert admin.ask("put", f"{net}/routers/{router['id']}/add_router_interface", joined).status_code == 200
    admin.make(f"{net}/ports", {"port": {"network_id": network["id"], "name": "spare"}})
    admin.make(f"{net}/floatingips", {"floatingip": {"floating_network_id": outside["id"]}})
    admin.make(f"{net}/subnetpools", {"subnetpool": {"name": "pool", "prefixes": ["10.64.0.0/16"]}})
    admin.make(f"{net}/address-scopes", {"address_scope": {"name": "scope", "ip_version": 4}})
    image = {"name": "demo", "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    found = admin.make("/api/image/v2/images", image)
    sent = admin.ask("put", f"/api/image/v2/images/{found['id']}/file", b"\0" * 512, "application/octet-stream")
    assert sent.status_code == 204, sent.content
    admin.make("/api/image/v2/metadefs/namespaces", {"namespace": "things"})
    admin.make(f"{compute}/os-keypairs", {"keypair": {"name": "key"}})
    admin.make(f"{compute}/os-server-groups", {"server_group": {"name": "group", "policies": ["anti-affinity"]}})
    admin.make(f"{compute}/os-aggregates", {"aggregate": {"name": "some", "availability_zone": "zone"}})
    server = {"name": "one", "imageRef": found["id"], "flavorRef": "tiny", "networks": [{"uuid": network["id"]}]}
    admin.make(f"{compute}/servers", {"server": server})
    admin.make(f"{identity}/users", {"user": {"name": "someone", "password": "a password"}})
    admin.make(f"{identity}/projects", {"project": {"name": "place"}})
    admin.make(f"{identity}/domains", {"domain": {"name": "realm"}})
    admin.make(f"{identity}/roles", {"role": {"name": "helper"}})
    admin.make(f"{identity}/groups", {"group": {"name": "people"}})
    admin.make(f"{identity}/regions", {"region": {"id": "elsewhere"}})
    admin.make(f"{identity}/policies", {"policy": {"type": "application/json", "blob": "{}"}})
    admin.make(f"{identity}/credentials", {"credential": {"type": "cert", "blob": "x", "user_id": _me(admin)}})
    admin.make(f"{identity}/OS-OAUTH1/consumers", {"consumer": {"description": "one"}})


def _me(asker: Asker) -> str:
    answer = asker.ask("get", "/api/identity/v3/auth/tokens", headers={"X-Subject-Token": asker.token})
    return str(answer.json()["token"]["user"]["id"])
