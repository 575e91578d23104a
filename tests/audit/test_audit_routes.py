"""D20, I7: every address that changes something says what is recorded of it, and each of those words is there for people."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation

from audit import registry
from audit.models import Event
from portal.ui import deeds, recorded
from tests.openstackapi.asking import Asker, furnish

Askers = Callable[[], dict[str, Asker]]
CHANGING = ("post", "put", "patch", "delete")
NODE, LIMIT, SERVER, USER = (
    "compute/node",
    "data/security/limit",
    "service/compute/servers",
    "data/security/account/user",
)
IMAGE, NAMESPACE = "service/storage/image/images", "service/storage/image/metadefs/namespaces"
GROUP, NET, VOL = "service/network/security-groups", "service/network/", "service/storage/block/"

#: The first parts of addresses of the APIs → types of what is recorded; or, in brackets, why nothing is.
API: dict[str, tuple[str, ...] | str] = {
    **{f"compute/{name}": "(answers that it is gone)" for name in (
        "os-agents", "os-cells", "os-certificates", "os-cloudpipe", "os-fixed-ips", "os-floating-ip-dns", "os-floating-ips-bulk",
        "os-fping", "os-security-group-default-rules",
    )},
    "compute/os-networks": "(answers that it is gone)",
    "compute/flavors": ("service/compute/flavors",),
    "compute/images": (IMAGE,),
    "compute/os-aggregates": ("service/compute/os-aggregates",),
    "compute/os-floating-ips": (f"{NET}floatingips",),
    "compute/os-hosts": (NODE,),
    "compute/os-keypairs": ("service/compute/os-keypairs",),
    "compute/os-quota-class-sets": ("data/security/limit/registered",),
    "compute/os-quota-sets": (LIMIT,),
    "compute/os-security-group-rules": (GROUP,),
    "compute/os-security-groups": (GROUP,),
    "compute/os-server-external-events": "(a service tells of itself)",
    "compute/os-server-groups": ("service/compute/os-server-groups",),
    "compute/os-services": (NODE,),
    "compute/os-tenant-networks": (f"{NET}networks",),
    "compute/os-volumes_boot": (SERVER,),
    "compute/servers": (SERVER, f"{NET}ports", GROUP, recorded.CONSOLE),
    "identity/OS-EP-FILTER": ("data/security/endpoint/group", "data/security/endpoint/project"),
    "identity/OS-FEDERATION": (
        "data/security/identity", "data/security/identity/mapping", "data/security/identity/protocol", "data/security/identity/service_provider",
    ),
    "identity/OS-INHERIT": ("data/security/project",),
    "identity/OS-OAUTH1": ("data/security/account", "data/security/credential/oauth1"),
    "identity/OS-TRUST": ("data/security/trust",),
    "identity/auth": "(sign-ins have records of their own, which stand in Audit)",
    "identity/credentials": ("data/security/credential",),
    "identity/domains": ("data/security/project", "data/security/domain/option"),
    "identity/ec2tokens": "(a sign-in)",
    "identity/endpoints": ("data/security/endpoint",),
    "identity/groups": ("data/security/group",),
    "identity/limits": (LIMIT,),
    "identity/policies": ("data/security/policy",),
    "identity/projects": ("data/security/project",),
    "identity/regions": ("data/security/region",),
    "identity/registered_limits": ("data/security/limit/registered",),
    "identity/roles": ("data/security/role",),
    "identity/s3tokens": "(a sign-in)",
    "identity/services": ("data/security/service",),
    "identity/shares": ("data/security/share",),
    "identity/system": ("data/security/system",),
    "identity/users": (USER, "data/security/credential/application", "data/security/credential", "data/security/credential/access_rule"),
    "image/images": (IMAGE,),
    "image/metadefs": (NAMESPACE,),
    "image/stores": (IMAGE,),
    "image/tasks": ("service/storage/image/tasks",),
    **{f"network/{name}": (f"{NET}{name}",) for name in (
        "address-scopes", "agents", "floatingips", "networks", "ports", "rbac-policies", "routers", "security-groups", "subnetpools", "subnets",
    )},
    "network/security-group-rules": (GROUP,),
    "network/quotas": (LIMIT,),
    "network/(tags)": (f"{NET}tags",),
    **{f"volume/{name}": (f"{VOL}{name}",) for name in ("snapshots", "types", "volumes")},
    "volume/os-quota-class-sets": ("data/security/limit/registered",),
    "volume/os-quota-sets": (LIMIT,),
    "volume/os-services": (f"{VOL}backends",),
    "placement": tuple(f"service/placement/{name}" for name in ("allocations", "resource_classes", "resource_providers", "traits")),
}  # fmt: skip
#: Panels of the portal → types of what their forms change.
PORTAL: dict[str, tuple[str, ...]] = {
    "aggregates": ("service/compute/os-aggregates",),
    "all-floating-ips": (f"{NET}floatingips",),
    "all-networks": (f"{NET}networks", f"{NET}subnets"),
    "all-routers": (f"{NET}routers",),
    "application-credentials": ("data/security/credential/application",),
    "credentials": ("data/security/credential",),
    "default-quotas": ("data/security/limit/registered",),
    "domains": ("data/security/project", "data/security/domain/option"),
    "flavors": ("service/compute/flavors",),
    "floating-ips": (f"{NET}floatingips",),
    "groups": ("data/security/group",),
    "hosts": (NODE,),
    "identity-providers": (
        "data/security/identity",
        "data/security/identity/client",
        "data/security/identity/protocol",
    ),
    "images": (IMAGE,),
    "instances": (SERVER, f"{NET}floatingips", f"{NET}ports", GROUP, "service/compute/servers/remote-consoles/links"),
    "key-pairs": ("service/compute/os-keypairs",),
    "mappings": ("data/security/identity/mapping",),
    "metadata-definitions": (NAMESPACE,),
    "networks": (f"{NET}networks", f"{NET}subnets"),
    "ports": (f"{NET}ports",),
    "projects": ("data/security/project", LIMIT),
    "rbac-policies": (f"{NET}rbac-policies",),
    "roles": ("data/security/role",),
    "routers": (f"{NET}routers", f"{NET}ports"),
    "security-groups": (GROUP,),
    "server-groups": ("service/compute/os-server-groups",),
    "services": (NODE,),
    "settings": (USER, "data/security/credential"),
    "users": (USER,),
    "volume-snapshots": (f"{VOL}snapshots",),
    "volumes": (f"{VOL}volumes", f"{VOL}snapshots", IMAGE),
}
#: Forms of no panel: sharing, and what a session keeps for itself (language, columns, which project), of which nothing is recorded.
OWN = {"columns", "first-steps-away", "language", "recording", "region", "share", "share-give-up", "share-withdraw", "show-as", "sign-in",
       "sign-in-again", "sign-in-key", "sign-out", "switch-domain", "switch-project", "views", "vnc-ticket"}  # fmt: skip


def walk(patterns: list[URLPattern | URLResolver], at: str = "") -> Iterator[tuple[str, URLPattern, Any]]:
    """(address, its pattern, its view's class) of every address below."""
    for one in patterns:
        if isinstance(one, URLPattern):
            view = getattr(one.callback, "view_class", None) or getattr(one.callback, "cls", None)
            yield at + str(one.pattern), one, view
        else:
            yield from walk(one.url_patterns, at + str(one.pattern))


def of_the_apis() -> set[str]:
    """The first parts of every address of an API that takes a changing method."""
    found = set()
    for path, _one, view in walk(get_resolver().url_patterns):
        if path.startswith("api/") and any(hasattr(view, method) for method in CHANGING):
            parts = path.replace(r"(?:\.json)?", "").rstrip("$\\Z").split("/")
            first = parts[3] if len(parts) > 3 and parts[1] != "placement" else ""
            if "project_in_path" in first:
                continue
            found.add("network/(tags)" if first.startswith("(?P<kind>") else "/".join(filter(None, (parts[1], first))))
    return found


def of_the_portal() -> dict[str, set[str]]:
    """Panel → names of the addresses that take a form; "" for those of no panel."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, one, view in walk(get_resolver("portal.urls").url_patterns):
        if hasattr(view, "post"):
            given = getattr(one.callback, "view_initkwargs", {})
            found[given.get("panel") or getattr(view, "panel", "")].add(one.name or path)
    return found


def types() -> set[str]:
    return {spec.type for spec in registry.declared()[0].values() if spec.type} | {recorded.CONSOLE}


def test_each_changing_address_of_the_apis_says_what_is_recorded() -> None:
    """D20, I7: a new resource needs its line; every type in it is one that is recorded."""
    assert of_the_apis() - API.keys() == set(), "say in API what is recorded of these"
    assert API.keys() - of_the_apis() == set(), "these are no more"
    told = {kind for kinds in API.values() if not isinstance(kinds, str) for kind in kinds}
    assert told - types() == set() and all(why.startswith("(") for why in API.values() if isinstance(why, str))


def test_each_form_of_the_portal_says_what_is_recorded() -> None:
    """D20, I7: a new panel with a form needs its line; a form of no panel is the session's own, or shares."""
    found = of_the_portal()
    outside = found.pop("", set()) | found.pop("overview", set())
    assert outside - OWN == set() and OWN - outside == set()
    assert found.keys() - PORTAL.keys() == set(), "say in PORTAL what is recorded of these"
    assert PORTAL.keys() - found.keys() == set(), "these are no more"
    assert {kind for kinds in PORTAL.values() for kind in kinds} - types() == set()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_refusal_at_any_address_has_a_kind_and_a_sentence(language: str) -> None:
    """I7: also what is refused is told in words, by the address that was asked: no raw name of a resource or an action."""
    gone = {name for name, why in API.items() if why == "(answers that it is gone)"} | {"network/(tags)", "placement"}
    reason = {"reason": {"reasonType": "HTTP", "reasonCode": "403", "policyId": "rule"}}
    with translation.override(language):
        for name in sorted(API.keys() - gone):
            row = Event(action="create", outcome="failure", target_type=f"service/{name}", target_id="", body=reason)
            raw = name.rpartition("/")[2]
            assert str(recorded.kind(row)) != raw, f"{name} needs a line in recorded.ADDRESSES"
            assert raw not in deeds.sentence(row, "it", done=False), name


def test_each_change_that_is_asked_of_the_apis_leaves_a_record(
    askers: Askers, monkeypatch: pytest.MonkeyPatch, events: Callable[..., list[Event]]
) -> None:
    """D20, I7: of every service: who asked, and under which request id, is there for each request that changed something."""
    asked: list[tuple[str, str, str]] = []
    plain = Asker.ask

    def ask(self: Asker, method: str, path: str, *more: Any, **named: Any) -> Any:
        answer = plain(self, method, path, *more, **named)
        id = answer.headers.get("X-OpenStack-Request-ID") or answer.headers.get("X-Compute-Request-ID", "")
        if method in CHANGING and answer.status_code < 300:
            asked.append((method, path, id))
        return answer

    admin = askers()["admin"]
    monkeypatch.setattr(Asker, "ask", ask)
    furnish(admin)
    for single, path, body in (
        ("network", "/api/network/v2.0/networks", {"description": "other"}),
        ("security_group", "/api/network/v2.0/security-groups", {"name": "g"}),
    ):
        made = admin.make(path, {single: {"name": "later"}})
        assert admin.ask("put", f"{path}/{made['id']}", json.dumps({single: body})).status_code == 200
        assert admin.ask("delete", f"{path}/{made['id']}").status_code == 204
    assert len(asked) > 25
    for method, path, id in asked:
        found = events(request_id=id)
        assert id and found, f"{method} {path} left no record"
        assert {row.initiator_name for row in found} == {"admin"} and all(row.target_id for row in found)
        assert all(row.target_type in recorded.types() for row in found)
