"""Numbers of queries and bodies: what is no whole number is 400, and so is what nothing can keep, never a fault."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DataError

from openstackapi import faults
from openstackapi.schema import document
from tests.openstackapi.asking import Asker

LATEST = {"OpenStack-API-Version": "compute latest, placement latest"}
PATHS = [
    "/api/identity/v3/credentials?limit=",
    "/api/identity/v3/registered_limits?limit=",
    "/api/image/v2/images?limit=",
    "/api/image/v2/images?size_min=",
    "/api/network/v2.0/networks?limit=",
    "/api/compute/v2.1/servers?limit=",
    "/api/compute/v2.1/flavors?minRam=",
    "/api/compute/v2.1/os-server-groups?limit=",
    "/api/placement/allocation_candidates?resources=VCPU:1&limit=",
]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_whole_number_is_400(path: str, askers: Callable[[], dict[str, Asker]]) -> None:
    admin = askers()["admin"]
    path, _, query = path.partition("?")
    for text in ("%C2%B2", "%D9%A3", "9" * 5000, "x"):
        answer = admin.ask("get", path, query=f"{query}{text}", headers={"OpenStack-API-Version": "placement latest"})
        assert answer.status_code == 400, (text[:20], answer.status_code, answer.content[:300])


#: Whole numbers of bodies whose schema has no end, by what matches their place, and what holds them instead.
CHECKED = {
    r"^/api/image/v2/images \.(virtual_)?size$": "nobody writes them: 403",
    r"^/api/image/v2/metadefs/.* \..*properties.*|^/api/image/v2/metadefs/.*/properties.* \.\w+$": "kept in JSON, and only shown",
    r"/networks(/{id})? \.network\.(mtu|provider:segmentation_id)$": "a range of its own, in the service",
    r"/security-group-rules \.security_group_rule\.(protocol|port_range_m..)$": "a range of its own, in the service",
    r"/quotas/{project_id} \.quota\.\w+$": "a range of its own, with Neutron's words",
    r"^/api/compute/.* \.server\.m.._count$": "a range of its own, with Nova's words",
    r"^/api/compute/.* \.(server|resize)\.flavorRef$|\.addFixedIp\.networkId$| \.flavor\.id$": "a name",
    r"/action \.createBackup\.rotation$": "counted with, and not kept",
    r"/flavors \.flavor\.rxtx_factor$": "a number with a fraction; no float is too large for its column",
    r"/flavors/{flavor_id}/os-extra_specs.* .*{}$": "a text",
    r"/os-security-group-rules \.security_group_rule\.": "the network service checks it",
    r"^/api/placement/allocations.* \..*generation$|^/api/placement/allocations \[\]\..*generation$": "compared alone",
}


def _endless(schema: dict[str, Any], place: str, parts: dict[str, Any], seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Places below a schema that take numbers without a largest one."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        yield from _endless(parts[name], place, parts, (*seen, name)) if name not in seen else ()
        return
    kinds = schema.get("type")
    kinds = set(kinds if isinstance(kinds, list) else [kinds])
    if kinds & {"integer", "number"} and "maximum" not in schema and "enum" not in schema:
        yield place
    below = [(f".{name}", one) for name, one in schema.get("properties", {}).items()]
    below += [("[]", schema[name]) for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    below += [("", one) for name in ("anyOf", "oneOf", "allOf") for one in schema.get(name, ())]
    below += [("{}", one) for one in schema.get("patternProperties", {}).values()]
    for step, one in below:
        yield from _endless(one, place + step, parts, seen)


def test_every_number_of_a_body_has_an_end() -> None:
    """Case 1: a number that the database cannot hold was 500; who adds a number says how large it may be."""
    made = document()
    found = {
        place
        for path, operations in made["paths"].items()
        for operation in operations.values()
        if isinstance(operation, dict)
        for media in operation.get("requestBody", {}).get("content", {}).values()
        for place in _endless(media.get("schema", {}), f"{path} ", made["components"]["schemas"])
    }
    assert sorted(one for one in found if not any(re.search(known, one) for known in CHECKED)) == []
    assert [known for known in CHECKED if not any(re.search(known, one) for one in found)] == []


TOO_LARGE = (2**31, 2**63, 2**70)


@pytest.mark.parametrize("number", TOO_LARGE)
def test_what_is_larger_than_a_column_is_400_and_no_rows_have_it(
    number: int, askers: Callable[[], dict[str, Asker]]
) -> None:
    """Case 1, siblings: bodies are refused, filters find nothing."""
    admin = askers()["admin"]
    pool = {"name": "p", "prefixes": ["fd00:5::/48"], "default_quota": number}
    trust = {"trustor_user_id": "a", "trustee_user_id": "b", "impersonation": False, "project_id": "c", "roles": []}
    provider, group = {"authorization_ttl": number}, {"max_server_per_host": number}
    for method, path, body in (
        ("post", "network/v2.0/subnetpools", {"subnetpool": pool}),
        ("put", "identity/v3/OS-FEDERATION/identity_providers/p", {"identity_provider": provider}),
        ("post", "identity/v3/OS-TRUST/trusts", {"trust": {**trust, "remaining_uses": number}}),
        (
            "post",
            "compute/v2.1/os-server-groups",
            {"server_group": {"name": "g", "policy": "anti-affinity", "rules": group}},
        ),
    ):
        answer = admin.ask(method, f"/api/{path}", json.dumps(body).encode(), headers=LATEST)
        told = answer.content.decode()
        assert answer.status_code == 400, (path, told[:300])
        assert re.search("default_quota|authorization_ttl|remaining_uses|max_server_per_host", told), told[:300]
    for path, key, name in (
        ("network/v2.0/networks", "networks", "mtu"),
        ("network/v2.0/networks", "networks", "provider:segmentation_id"),
        ("network/v2.0/networks", "networks", "revision_number"),
        ("network/v2.0/security-group-rules", "security_group_rules", "port_range_min"),
        ("network/v2.0/subnets", "subnets", "ip_version"),
        ("compute/v2.1/servers", "servers", "launch_index"),
        ("compute/v2.1/servers", "servers", "progress"),
    ):
        answer = admin.ask("get", f"/api/{path}", query=f"{name}={number}")
        assert (answer.status_code, answer.json()[key]) == (200, []), (path, name)
    assert admin.ask("get", "/api/compute/v2.1/servers", query="launch_index=first").json()["servers"] == []


def test_a_share_of_hardware_is_a_number(askers: Callable[[], dict[str, Asker]]) -> None:
    """Case 1, sibling: a ratio near the largest float made every list of candidates 500."""
    admin = askers()["admin"]
    rows = admin.ask("get", "/api/placement/resource_providers", headers=LATEST).json()["resource_providers"]
    path = f"/api/placement/resource_providers/{rows[0]['uuid']}/inventories/VCPU"
    for ratio, status in ((1e308, 400), (3.4e38, 200)):
        found = admin.ask("get", path, headers=LATEST).json()
        body = json.dumps({**found, "allocation_ratio": ratio}).encode()
        assert admin.ask("put", path, body, headers=LATEST).status_code == status
        candidates = admin.ask("get", "/api/placement/allocation_candidates", query="resources=VCPU:1", headers=LATEST)
        assert candidates.status_code == 200


def test_a_number_that_the_database_refuses_is_no_fault_of_the_cloud() -> None:
    """Case 1: the net below all that, for SQLite and PostgreSQL; other refusals of the database stay faults."""
    error, other = DataError("integer out of range"), DataError("invalid input")
    error.__cause__, other.__cause__ = (
        type("Cause", (Exception,), {"sqlstate": code})() for code in ("22003", "22P02")
    )
    for known in (OverflowError("Python int too large to convert to SQLite INTEGER"), error):
        found = faults.as_cloud_error(known)
        assert found is not None and faults.status_of(found, "network") == 400
    assert faults.as_cloud_error(other) is None
