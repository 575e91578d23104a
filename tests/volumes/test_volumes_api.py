"""Volumes and snapshots by the API, on a simulated host."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from compute.servers.models import Server
from hosts.models import Host
from identity.projects import owned
from images.images.models import Image
from quota import services as quota
from tests.compute.client import make_image
from tests.simulated import Cloud
from tests.volumes.parts import URL, Volumes, host_with_backends
from volumes.quotas import SERVICE
from volumes.volumes.models import Volume

Client = Callable[..., Volumes]


def here(cloud: Cloud, host: str = "host1") -> dict[str, Any]:
    """Map each volume of the host's backend to what it remembers of it."""
    found: dict[str, Any] = cloud.agent(host).backends["fake"].volumes.values  # type: ignore[attr-defined]
    return found


def test_a_volume_is_made_shown_and_deleted(cloud: Cloud, client: Client) -> None:
    red, admin = client(), client("admin", "admin")
    id = red.create(size=2, description="data", metadata={"a": "b"})
    assert red.show(id)["status"] == "creating" and here(cloud) == {}
    cloud.settle()
    shown = red.show(id)
    assert (shown["status"], shown["size"], shown["volume_type"], shown["bootable"]) == (
        "available",
        2,
        "__DEFAULT__",
        "false",
    )
    assert (shown["metadata"], shown["attachments"], shown["encrypted"]) == ({"a": "b"}, [], False)
    assert "os-vol-host-attr:host" not in shown and admin.show(id)["os-vol-host-attr:host"] == "host1@fake#fake"
    assert here(cloud) == {id: {"size_gib": 2, "snapshots": []}}
    red.ok("delete", f"volumes/{id}", status=202)
    cloud.settle()
    red.ok("get", f"volumes/{id}", status=404)
    assert here(cloud) == {} and not Volume.objects.exists()


def test_another_projects_volume_is_not_there(cloud: Cloud, client: Client) -> None:
    id = client().create()
    cloud.settle()
    blue = client("blue")
    for method, path in (("get", f"volumes/{id}"), ("delete", f"volumes/{id}"), ("put", f"volumes/{id}")):
        blue.ok(method, path, {"volume": {"name": "mine"}} if method == "put" else None, status=404)
    blue.ok("post", "snapshots", {"snapshot": {"volume_id": id}}, status=404)
    blue.ok("post", "volumes", {"volume": {"source_volid": id}}, status=404)
    assert (
        blue.ok("get", "volumes/detail")["volumes"] == [] == blue.ok("get", "volumes/detail?all_tenants=1")["volumes"]
    )
    assert [row["id"] for row in client("admin", "admin").ok("get", "volumes?all_tenants=1")["volumes"]] == [id]


def test_a_volume_is_made_of_a_snapshot_of_a_volume_and_of_an_image(cloud: Cloud, red: Volumes) -> None:
    first = red.create(size=2)
    cloud.settle()
    snapshot = red.snapshot(first, name="before")
    assert red.ok("get", f"snapshots/{snapshot}")["snapshot"]["status"] == "creating"
    cloud.settle()
    assert red.ok("get", f"snapshots/{snapshot}")["snapshot"]["status"] == "available"
    of_snapshot = red.create(size=3, snapshot_id=snapshot)
    of_volume = red.ok("post", "volumes", {"volume": {"source_volid": first}}, status=202)["volume"]
    image = make_image()
    of_image = red.create(size=1, imageRef=image.id)
    cloud.settle()
    assert red.show(of_snapshot)["snapshot_id"] == snapshot and red.show(of_snapshot)["size"] == 3
    assert (of_volume["size"], red.show(of_volume["id"])["source_volid"]) == (2, first)
    shown = red.show(of_image)
    assert (shown["bootable"], shown["volume_image_metadata"]["image_id"]) == ("true", image.id)
    assert {red.show(id)["status"] for id in (of_snapshot, of_volume["id"], of_image)} == {"available"}
    assert set(here(cloud)) == {first, of_snapshot, of_volume["id"], of_image}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"size": 0}, "size"),
        ({"size": "many"}, "size"),
        ({"size": -1}, "size"),
        ({}, "GiB"),
        ({"size": 1, "volume_type": "none such"}, "none such"),
        ({"size": 1, "availability_zone": "mars"}, "mars"),
        ({"size": 1, "imageRef": "8d4c0c3a-0000-4000-8000-000000000000"}, "8d4c0c3a"),
        ({"size": 1, "snapshot_id": "8d4c0c3a-0000-4000-8000-000000000000"}, "8d4c0c3a"),
        ({"size": 1, "unknown": 1}, "unknown"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_left(red: Volumes, body: dict[str, Any], said: str) -> None:
    answer = red.post(f"{URL}/volumes", {"volume": body}, format="json")
    assert answer.status_code in (400, 404) and said in answer.content.decode()
    assert not Volume.objects.exists()


def test_a_source_that_is_larger_is_refused(cloud: Cloud, red: Volumes) -> None:
    first = red.create(size=2)
    cloud.settle()
    refused = red.ok("post", "volumes", {"volume": {"size": 1, "source_volid": first}}, status=400)
    assert "2 GiB" in refused["badRequest"]["message"]


def test_quotas_are_of_volumes_and_of_gigabytes(cloud: Cloud, client: Client) -> None:
    red, admin = client(), client("admin", "admin")
    quota.set_default(SERVICE, "gigabytes", 3)
    red.create(size=2)
    refused = red.ok("post", "volumes", {"volume": {"size": 2}}, status=413)
    assert "gigabytes" in refused["overLimit"]["message"]
    limits = red.ok("get", "limits")["limits"]["absolute"]
    assert (limits["maxTotalVolumeGigabytes"], limits["totalGigabytesUsed"], limits["totalVolumesUsed"]) == (3, 2, 1)
    admin.ok("put", "os-quota-class-sets/default", {"quota_class_set": {"per_volume_gigabytes": 1}})
    assert red.ok("get", "os-quota-sets/red?usage=True")["quota_set"]["gigabytes"]["in_use"] == 2
    assert "per_volume" in red.ok("post", "volumes", {"volume": {"size": 2}}, status=413)["overLimit"]["message"]


def test_a_volume_grows_and_never_shrinks(cloud: Cloud, red: Volumes) -> None:
    id = red.create(size=2)
    cloud.settle()
    for size in (1, 2, 0):
        red.ok("post", f"volumes/{id}/action", {"os-extend": {"new_size": size}}, status=400)
    red.ok("post", f"volumes/{id}/action", {"os-extend": {"new_size": 4}}, status=202)
    red.ok("post", f"volumes/{id}/action", {"os-extend": {"new_size": 5}}, status=400)
    cloud.settle()
    assert (red.show(id)["status"], red.show(id)["size"], here(cloud)[id]["size_gib"]) == ("available", 4, 4)


def test_an_upload_says_who_sees_the_image(cloud: Cloud, client: Client) -> None:
    id = client().create()
    cloud.settle()
    asked = {"os-volume_upload_image": {"image_name": "i", "visibility": "shared", "protected": True}}
    client(version="3.0").ok("post", f"volumes/{id}/action", asked, status=400)
    shown = client(version="3.1").ok("post", f"volumes/{id}/action", asked, status=202)["os-volume_upload_image"]
    cloud.settle()
    image = Image.objects.get(id=shown["image_id"])
    assert (image.status, image.visibility, image.protected) == ("active", "shared", True)
    asked["os-volume_upload_image"]["visibility"] = "public"
    client(version="3.1").ok("post", f"volumes/{id}/action", asked, status=403)
    assert Image.objects.count() == 1 and client().show(id)["status"] == "available"


def test_a_volume_with_snapshots_stays_and_goes_back_to_the_newest(cloud: Cloud, client: Client) -> None:
    red = client()
    id = red.create()
    cloud.settle()
    snapshots = []
    for name in ("one", "two"):
        snapshots.append(red.snapshot(id, name=name))
        cloud.settle()
    assert "2 snapshots" in red.ok("delete", f"volumes/{id}", status=400)["badRequest"]["message"]
    red.ok("post", f"volumes/{id}/action", {"revert": {"snapshot_id": snapshots[0]}}, status=400)
    client(version="3.39").ok("post", f"volumes/{id}/action", {"revert": {"snapshot_id": snapshots[1]}}, status=400)
    red.ok("post", f"volumes/{id}/action", {"revert": {"snapshot_id": snapshots[1]}}, status=202)
    assert red.show(id)["status"] == "reverting"
    cloud.settle()
    assert red.show(id)["status"] == "available"
    for snapshot in snapshots:
        red.ok("delete", f"snapshots/{snapshot}", status=202)
        cloud.settle()
    assert red.ok("get", "snapshots")["snapshots"] == [] and here(cloud)[id]["snapshots"] == []
    red.ok("delete", f"volumes/{id}", status=202)
    cloud.settle()
    assert here(cloud) == {}


def test_lists_are_filtered_sorted_and_paged(cloud: Cloud, client: Client) -> None:
    red = client()
    for name in "cab":
        red.create(name=name, metadata={"n": name})
    cloud.settle()
    client("blue").create(name="theirs")
    assert [row["name"] for row in red.ok("get", "volumes?sort=name:asc")["volumes"]] == ["a", "b", "c"]
    assert [row["name"] for row in red.ok("get", "volumes/detail?name=b")["volumes"]] == ["b"]
    assert [row["name"] for row in red.ok("get", "volumes/detail?metadata={'n':'c'}")["volumes"]] == ["c"]
    assert red.ok("get", "volumes?status=available&with_count=True")["count"] == 3
    page = red.ok("get", "volumes?sort=name:asc&limit=2")
    assert [row["name"] for row in page["volumes"]] == ["a", "b"]
    rest = red.get(page["volumes_links"][0]["href"]).json()
    assert [row["name"] for row in rest["volumes"]] == ["c"]


def test_names_and_metadata_change(cloud: Cloud, red: Volumes) -> None:
    id = red.create(metadata={"a": "1"})
    assert red.ok("put", f"volumes/{id}", {"volume": {"name": "two", "description": None}})["volume"]["name"] == "two"
    assert red.ok("post", f"volumes/{id}/metadata", {"metadata": {"b": "2"}})["metadata"] == {"a": "1", "b": "2"}
    assert red.ok("put", f"volumes/{id}/metadata", {"metadata": {"c": "3"}})["metadata"] == {"c": "3"}
    red.ok("delete", f"volumes/{id}/metadata/c")
    red.ok("delete", f"volumes/{id}/metadata/c", status=404)
    red.ok("put", f"volumes/{id}", {"volume": {}}, status=400)


# ── Types and backends ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_type_says_which_backend_takes_a_volume(cloud: Cloud, client: Client) -> None:
    red, admin = client(), client("admin", "admin")
    for name, backend in (("here", "fake"), ("nowhere", "gold")):
        body = {"name": name, "extra_specs": {"volume_backend_name": backend}}
        admin.ok("post", "types", {"volume_type": body})
    good, bad = red.create(volume_type="here"), red.create(volume_type="nowhere")
    cloud.settle()
    assert red.show(good)["status"] == "available"
    assert red.show(bad)["status"] == "error"
    assert "volume_backend_name gold" in Volume.objects.get(id=bad).fault_message
    red.ok("post", "types", {"volume_type": {"name": "mine"}}, status=403)
    refused = admin.ok("delete", f"types/{admin.ok('get', 'types')['volume_types'][0]['id']}", status=400)
    assert refused["badRequest"]["code"] == 400


def test_a_private_type_is_for_those_who_were_given_it(client: Client) -> None:
    red, admin = client(), client("admin", "admin")
    made = admin.ok("post", "types", {"volume_type": {"name": "secret", "os-volume-type-access:is_public": False}})
    id = made["volume_type"]["id"]
    red.ok("get", f"types/{id}", status=404)
    red.ok("post", "volumes", {"volume": {"size": 1, "volume_type": "secret"}}, status=404)
    admin.ok("post", f"types/{id}/action", {"addProjectAccess": {"project": "red"}}, status=202)
    admin.ok("post", f"types/{id}/action", {"addProjectAccess": {"project": "red"}}, status=409)
    assert red.ok("get", f"types/{id}")["volume_type"]["name"] == "secret"
    assert admin.ok("get", f"types/{id}/os-volume-type-access")["volume_type_access"][0]["project_id"] == "red"
    admin.ok("post", f"types/{id}/action", {"removeProjectAccess": {"project": "red"}}, status=202)
    red.ok("get", f"types/{id}", status=404)


def test_a_disabled_backend_takes_nothing_and_says_so(cloud: Cloud, client: Client) -> None:
    red, admin = client(), client("admin", "admin")
    admin.ok("put", "os-services/disable-log-reason", {"host": "host1@fake", "disabled_reason": "disks"})
    row = admin.ok("get", "os-services")["services"][0]
    assert (row["host"], row["status"], row["disabled_reason"]) == ("host1@fake", "disabled", "disks")
    id = red.create()
    cloud.settle()
    assert "disabled" in Volume.objects.get(id=id).fault_message
    admin.ok("put", "os-services/enable", {"host": "host1@fake"})
    again = red.create()
    cloud.settle()
    assert red.show(again)["status"] == "available"
    red.ok("get", "os-services", status=403)
    admin.ok("put", "os-services/enable", {"host": "mars@fake"}, status=404)


def test_pools_tell_their_room_and_what_is_promised(cloud: Cloud, client: Client) -> None:
    client().create(size=7)
    cloud.settle()
    pool = client("admin", "admin").ok("get", "scheduler-stats/get_pools?detail=true")["pools"][0]
    assert pool["name"] == "host1@fake#fake" and pool["capabilities"]["allocated_capacity_gb"] == 7


def test_a_volume_goes_where_the_room_is(cloud: Cloud, client: Client) -> None:
    red = client()
    host_with_backends(cloud, "host2")
    Host.objects.filter(name="host1").update(state="down")
    id = red.create()
    cloud.settle()
    assert Volume.objects.get(id=id).host == "host2" and here(cloud, "host2").keys() == {id}
    quota.set_default(SERVICE, "gigabytes", -1)
    refused = red.create(size=2_000_000)
    cloud.settle()
    assert "2000000 GiB" in Volume.objects.get(id=refused).fault_message


# ── With their project, and other words ─────────────────────────────────────────────────────────────────────────────


def test_volumes_go_with_their_project(cloud: Cloud, red: Volumes) -> None:
    id = red.create()
    cloud.settle()
    assert [held.count for held in owned.holdings(["red"])] == [1]
    with transaction.atomic():
        owned.remove_all("red")
    cloud.settle()
    assert not Volume.objects.exists() and here(cloud) == {} and id and not Server.objects.exists()


def test_versions_and_both_spellings_of_paths(client: Client) -> None:
    project = "0123456789abcdef0123456789abcdef"
    red = client(project)
    assert red.get("/api/volume/").json()["versions"][0]["version"] == "3.71"
    assert red.get(f"{URL}/{project}/volumes").json() == {"volumes": []}
    assert red.get(f"{URL}/{'f' * 32}/volumes").status_code == 400


def test_filters_that_say_nothing_are_refused(red: Volumes) -> None:
    assert red.get(f"{URL}/volumes?size=many").status_code == 400
    assert red.get(f"{URL}/volumes?metadata=many").status_code == 400
    assert red.get(f"{URL}/volumes?size=5&with_count=%C3%AF").status_code == 200
    assert red.get(f"{URL}/volumes?bootable=true&user_id=x&volume_type=x").json() == {"volumes": []}
