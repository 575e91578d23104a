"""Placement's API beside its reference: resource classes, what consumers hold, usages of projects."""

from collections.abc import Callable
from typing import Any

import pytest

from placement import usage
from placement.models import Consumer, ResourceProvider
from tests.compute.client import Client
from tests.compute.conftest import host, signed_in, token, world
from tests.simulated import Cloud

__all__ = ["host", "signed_in", "token", "world"]

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
THREE = "33333333-3333-4333-8333-333333333333"
CLASS = "resource_classes/CUSTOM_GOLD"


@pytest.fixture
def ask(signed_in: Callable[..., Client]) -> Callable[..., Any]:
    """`ask("get", "usages", version="1.9")` as an administrator."""
    admin = signed_in("admin", "admin")

    def send(method: str, path: str, body: Any = None, *, version: str = "1.28", status: int = 200) -> Any:
        headers = {"HTTP_OPENSTACK_API_VERSION": f"placement {version}"}
        answer = admin.ask(method, f"/api/placement/{path}", body, **headers)
        assert answer.status_code == status, (answer.status_code, answer.content[:500])
        return answer.json() if answer.content else answer

    return send


#: Every route of Placement's reference up to 1.28, with the version that brought it.
REFERENCE = {
    "resource_providers": "1.0",
    "resource_providers/x": "1.0",
    "resource_providers/x/inventories": "1.0",
    "resource_providers/x/inventories/VCPU": "1.0",
    "resource_providers/x/aggregates": "1.1",
    "resource_providers/x/traits": "1.6",
    "resource_providers/x/usages": "1.0",
    "resource_providers/x/allocations": "1.0",
    "resource_classes": "1.2",
    "resource_classes/VCPU": "1.2",
    "traits": "1.6",
    "traits/HW_CPU_X86_AVX": "1.6",
    f"allocations/{ONE}": "1.0",
    "allocation_candidates?resources=VCPU:1": "1.10",
    "usages?project_id=x": "1.9",
}


def test_each_route_of_the_reference_answers_from_its_version_on(ask: Callable[..., Any], host: Any) -> None:
    """Cases 28 and 44."""
    id = ResourceProvider.objects.get().id
    for path, since in REFERENCE.items():
        path = path.replace("/x", f"/{id}")
        major, minor = since.split(".")
        ask("get", path, version=since, status=204 if path.startswith("traits/") else 200)
        if minor != "0":
            ask("get", path, version=f"{major}.{int(minor) - 1}", status=404)


def test_custom_resource_classes_are_made_used_and_removed(ask: Callable[..., Any], host: Any) -> None:
    """Case 28."""
    id = ResourceProvider.objects.get().id
    one = {"resource_provider_generation": None, "total": 4}
    inventory = f"resource_providers/{id}/inventories"
    ask("post", inventory, {"resource_class": "CUSTOM_GOLD", "total": 4}, status=400)
    made = ask("put", CLASS, version="1.7", status=201)
    assert made["Location"].endswith("/api/placement/resource_classes/CUSTOM_GOLD")
    ask("put", CLASS, status=204)
    ask("post", "resource_classes", {"name": "CUSTOM_GOLD"}, status=409)
    ask("post", "resource_classes", {"name": "GOLD"}, status=400)
    assert ask("get", CLASS)["name"] == "CUSTOM_GOLD"
    names = {row["name"] for row in ask("get", "resource_classes")["resource_classes"]}
    assert {"VCPU", "PCI_DEVICE", "CUSTOM_GOLD"} <= names
    assert one["total"] == ask("post", inventory, {"resource_class": "CUSTOM_GOLD", "total": 4}, status=201)["total"]
    ask("post", inventory, {"resource_class": "CUSTOM_GOLD", "total": 4}, status=409)
    ask("delete", CLASS, status=409)
    ask("delete", f"{inventory}/CUSTOM_GOLD", status=204)
    assert ask("put", CLASS, {"name": "CUSTOM_SILVER"}, version="1.2")["name"] == "CUSTOM_SILVER"
    ask("delete", "resource_classes/CUSTOM_SILVER", status=204)
    ask("delete", "resource_classes/CUSTOM_SILVER", status=404)
    ask("delete", "resource_classes/VCPU", status=400)


def test_standard_traits_are_those_of_os_traits(ask: Callable[..., Any], world: Cloud) -> None:
    """Case 44."""
    assert {"HW_NIC_SRIOV", "HW_CPU_X86_AVX512F", "COMPUTE_NODE"} <= set(ask("get", "traits")["traits"])


@pytest.mark.parametrize("minor", [0, 8, 12, 28])
def test_a_consumer_holds_what_is_put(ask: Callable[..., Any], host: Any, minor: int) -> None:
    """Case 44: in each version's form; the sums follow, and more than there is stays refused."""
    id = ResourceProvider.objects.get().id

    def put(amount: int, generation: int | None, status: int = 204) -> None:
        resources = {"VCPU": amount}
        if minor < 12:
            asked: Any = [{"resource_provider": {"uuid": id}, "resources": resources}]
        else:
            asked = {id: {"resources": resources}}
        body = {"allocations": asked}
        if minor >= 8:
            body |= {"project_id": "p", "user_id": "u"}
        if minor == 28:
            body["consumer_generation"] = generation
        ask("put", f"allocations/{ONE}", body, version=f"1.{minor}", status=status)

    put(2, None)
    assert ask("get", f"resource_providers/{id}/usages")["usages"]["VCPU"] == 2
    put(3, Consumer.objects.get().generation)
    assert ask("get", f"resource_providers/{id}/usages")["usages"]["VCPU"] == 3
    if minor == 28:
        put(1, None, status=409)
    put(10**6, Consumer.objects.get().generation, status=409)
    assert ask("get", f"allocations/{ONE}")["allocations"][id]["resources"] == {"VCPU": 3}
    if minor >= 8:
        assert ask("get", "usages?project_id=p")["usages"] == {"VCPU": 3}
        assert ask("get", "usages?project_id=p&user_id=other")["usages"] == {}
    ask("get", "usages", status=400)
    assert usage.drift() == {}


def test_several_consumers_change_together_or_not_at_all(ask: Callable[..., Any], world: Cloud) -> None:
    """Case 44: POST /allocations."""
    world.host("h", vcpus=1)
    row = ResourceProvider.objects.get()
    row.inventories.filter(resource_class="VCPU").update(total=3, max_unit=3, allocation_ratio=1.0)
    owner = {"project_id": "p", "user_id": "u", "consumer_generation": None}

    def of(amount: int) -> dict[str, Any]:
        return {"allocations": {row.id: {"resources": {"VCPU": amount}}}, **owner}

    ask("post", "allocations", {ONE: of(2), TWO: of(2)}, status=409)
    assert not Consumer.objects.exists() and usage.drift() == {}
    ask("post", "allocations", {ONE: of(2), TWO: of(1)}, status=204)
    swap = {**of(3), "consumer_generation": 1}
    ask("post", "allocations", {ONE: {**owner, "allocations": {}, "consumer_generation": 1}, TWO: swap}, status=204)
    assert list(Consumer.objects.values_list("id", flat=True)) == [TWO] and usage.drift() == {}
    unknown = {**of(1), "allocations": {ONE: {"resources": {"VCPU": 1}}}}
    ask("post", "allocations", {ONE: unknown}, status=400)
    ask("post", "allocations", {"not-an-id": of(1)}, status=400)


def test_a_new_provider_says_where_it_is(ask: Callable[..., Any], world: Cloud) -> None:
    """Case 44: Location in every version, a body from 1.20 on."""
    for number, version in enumerate(("1.0", "1.19", "1.20", "1.28")):
        body = {"name": f"p{number}", "uuid": f"{number}{ONE[1:]}"}
        answer = ask("post", "resource_providers", body, version=version, status=200 if version >= "1.20" else 201)
        if version < "1.20":
            assert answer["Location"].endswith(body["uuid"])
        else:
            assert answer["uuid"] == body["uuid"]


def test_a_member_has_no_part_in_placement(signed_in: Callable[..., Client], host: Any) -> None:
    red = signed_in("red")
    for path in ("resource_classes", "usages?project_id=red", f"allocations/{ONE}"):
        assert red.ask("get", f"/api/placement/{path}", HTTP_OPENSTACK_API_VERSION="placement 1.28").status_code == 403


# ── Parents, traits, aggregates, groups ─────────────────────────────────────────────────────────────────────────────


def test_the_newest_version_is_whole(ask: Callable[..., Any], host: Any) -> None:
    """Case 44: what comes after 1.28 is not there, and not advertised."""
    (version,) = ask("get", "")["versions"]
    assert version["max_version"] == "1.28"
    ask("get", "resource_providers", version="1.29", status=406)


def test_providers_have_parents(ask: Callable[..., Any], host: Any) -> None:
    """Case 44: `parent_provider_uuid`, from 1.14 on; given once, without loops, and no parent goes before its parts."""
    root = ResourceProvider.objects.get()
    asked = {"name": "part", "uuid": ONE, "parent_provider_uuid": root.id}
    ask("post", "resource_providers", asked, version="1.13", status=400)
    part = ask("post", "resource_providers", asked, version="1.20")
    assert (part["parent_provider_uuid"], part["root_provider_uuid"]) == (root.id, root.id)
    assert "parent_provider_uuid" not in ask("get", f"resource_providers/{ONE}", version="1.13")
    ask("post", "resource_providers", {"name": "other", "uuid": TWO}, version="1.20")
    leaf = ask("put", f"resource_providers/{TWO}", {"name": "leaf", "parent_provider_uuid": ONE}, version="1.14")
    assert (leaf["name"], leaf["parent_provider_uuid"], leaf["root_provider_uuid"]) == ("leaf", ONE, root.id)
    for parent in (root.id, None):
        ask("put", f"resource_providers/{TWO}", {"name": "leaf", "parent_provider_uuid": parent}, status=400)
    assert ask("put", f"resource_providers/{TWO}", {"name": "leaf"})["parent_provider_uuid"] == ONE
    for parent in (TWO, ONE, root.id):  # a loop, or itself
        ask("put", f"resource_providers/{root.id}", {"name": root.name, "parent_provider_uuid": parent}, status=400)
    ask("post", "resource_providers", {"name": "x", "parent_provider_uuid": THREE}, status=400)
    tree = ask("get", f"resource_providers?in_tree={TWO}")["resource_providers"]
    assert {row["uuid"] for row in tree} == {root.id, ONE, TWO}
    assert ask("get", f"resource_providers?in_tree={THREE}")["resource_providers"] == []
    ask("get", f"resource_providers?in_tree={TWO}", version="1.13", status=400)
    answer = ask("delete", f"resource_providers/{ONE}", status=409)
    assert answer["errors"][0]["code"] == "placement.resource_provider.cannot_delete_parent"
    ask("delete", f"resource_providers/{TWO}", status=204)
    ask("delete", f"resource_providers/{ONE}", status=204)


def test_a_part_is_no_candidate_by_itself(ask: Callable[..., Any], host: Any) -> None:
    """Case 44: before 1.29 candidates are whole roots; groups with numbers are met by the one provider."""
    root = ResourceProvider.objects.get()
    ask("post", "resource_providers", {"name": "part", "uuid": ONE, "parent_provider_uuid": root.id})
    inventory = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 64}}}
    ask("put", f"resource_providers/{ONE}/inventories", inventory)

    def candidates(query: str, **more: Any) -> list[str]:
        return list(ask("get", f"allocation_candidates?{query}", **more)["provider_summaries"])

    assert candidates("resources=VCPU:1") == [root.id]
    assert candidates("resources1=VCPU:1&resources=MEMORY_MB:1") == [root.id]
    assert candidates("resources1=VCPU:1&resources2=VCPU:127&group_policy=none") == [root.id]
    assert candidates("resources1=VCPU:2&resources2=VCPU:127&group_policy=none") == []
    assert candidates("resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate") == []
    for query in ("resources1=VCPU:1&resources2=VCPU:1", "required=COMPUTE_NODE", "resources1=VCPU:1&member_of2=x"):
        ask("get", f"allocation_candidates?{query}", status=400)
    ask("get", "allocation_candidates?resources1=VCPU:1", version="1.24", status=400)
    wide = ask("get", "allocation_candidates?resources=VCPU:1", version="1.27")["provider_summaries"][root.id]
    narrow = ask("get", "allocation_candidates?resources=VCPU:1", version="1.26")["provider_summaries"][root.id]
    assert set(wide["resources"]) > set(narrow["resources"]) == {"VCPU"}


def test_traits_and_aggregates_choose(ask: Callable[..., Any], host: Any) -> None:
    """Case 44: `required` (1.17, 1.18), forbidden ones (1.22), `member_of` (1.3, 1.21, 1.24); unknown ones are 400."""
    root = ResourceProvider.objects.get()
    generation = ask("get", f"resource_providers/{root.id}")["generation"]
    body = {"aggregates": [ONE, TWO], "resource_provider_generation": generation}
    ask("put", f"resource_providers/{root.id}/aggregates", body)

    def found(query: str, **more: Any) -> tuple[int, int]:
        providers = ask("get", f"resource_providers?{query}", **more)["resource_providers"]
        listed = ask("get", f"allocation_candidates?resources=VCPU:1&{query}", **more)["allocation_requests"]
        return len(providers), len(listed)

    yes, no = (1, 1), (0, 0)
    assert found("required=COMPUTE_NODE") == yes and found("required=HW_NIC_SRIOV") == no
    assert found("required=!COMPUTE_NODE") == no and found("required=COMPUTE_NODE,!HW_NIC_SRIOV") == yes
    assert found(f"member_of={ONE}") == yes and found(f"member_of={THREE}") == no
    assert found(f"member_of=in:{THREE},{TWO}&member_of={ONE}") == yes
    assert found(f"member_of={THREE}&member_of={ONE}") == no
    for query, version in (
        ("required=NO_SUCH", "1.28"), ("required=COMPUTE_NODE,!COMPUTE_NODE", "1.28"), ("required=!COMPUTE_NODE", "1.21"),
        ("required=COMPUTE_NODE", "1.16"), (f"member_of={ONE},{TWO}", "1.28"), (f"member_of={ONE}&member_of={TWO}", "1.23"),
        ("nonsense=1", "1.28"),
    ):  # fmt: skip
        ask("get", f"resource_providers?{query}", version=version, status=400)


def test_answers_say_how_old_they_are(ask: Callable[..., Any], signed_in: Callable[..., Client], host: Any) -> None:
    """Case 44: from 1.15 on."""
    admin = signed_in("admin", "admin")
    for version, has in (("1.14", False), ("1.15", True), ("1.28", True)):
        answer = admin.ask(
            "get", "/api/placement/resource_providers", HTTP_OPENSTACK_API_VERSION=f"placement {version}"
        )
        assert answer.has_header("Last-Modified") is has and (answer.get("Cache-Control") == "no-cache") is has


def test_all_of_an_inventory_may_be_reserved(ask: Callable[..., Any], host: Any) -> None:
    """Case 44: from 1.26 on."""
    ask("post", "resource_providers", {"name": "x", "uuid": ONE}, version="1.20")
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 4, "reserved": 4}}}
    ask("put", f"resource_providers/{ONE}/inventories", body, version="1.25", status=400)
    ask("put", f"resource_providers/{ONE}/inventories", body, version="1.26")
