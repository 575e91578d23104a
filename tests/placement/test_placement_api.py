"""Placement's API beside its reference: resource classes, what consumers hold, usages of projects."""

from collections.abc import Callable
from typing import Any

import pytest

from placement import usage
from placement.models import Consumer, ResourceProvider
from tests.compute.conftest import host, signed_in, world
from tests.compute.world import Client, World

__all__ = ["host", "signed_in", "world"]

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
CLASS = "resource_classes/CUSTOM_GOLD"


@pytest.fixture
def ask(signed_in: Callable[..., Client]) -> Callable[..., Any]:
    """`ask("get", "usages", version="1.9")` as an administrator."""
    admin = signed_in("admin", "admin")

    def send(method: str, path: str, body: Any = None, *, version: str = "1.31", status: int = 200) -> Any:
        headers = {"HTTP_OPENSTACK_API_VERSION": f"placement {version}"}
        answer = admin.ask(method, f"/api/placement/{path}", body, **headers)
        assert answer.status_code == status, (answer.status_code, answer.content[:500])
        return answer.json() if answer.content else answer

    return send


#: Every route of Placement's reference up to 1.31, with the version that brought it.
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


def test_standard_traits_are_those_of_os_traits(ask: Callable[..., Any], world: World) -> None:
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


def test_several_consumers_change_together_or_not_at_all(ask: Callable[..., Any], world: World) -> None:
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


def test_a_new_provider_says_where_it_is(ask: Callable[..., Any], world: World) -> None:
    """Case 44: Location in every version, a body from 1.20 on."""
    for number, version in enumerate(("1.0", "1.19", "1.20", "1.31")):
        body = {"name": f"p{number}", "uuid": f"{number}{ONE[1:]}"}
        answer = ask("post", "resource_providers", body, version=version, status=200 if version >= "1.20" else 201)
        if version < "1.20":
            assert answer["Location"].endswith(body["uuid"])
        else:
            assert answer["uuid"] == body["uuid"]


def test_a_member_has_no_part_in_placement(signed_in: Callable[..., Client], host: Any) -> None:
    red = signed_in("red")
    for path in ("resource_classes", "usages?project_id=red", f"allocations/{ONE}"):
        assert red.ask("get", f"/api/placement/{path}", HTTP_OPENSTACK_API_VERSION="placement 1.31").status_code == 403
