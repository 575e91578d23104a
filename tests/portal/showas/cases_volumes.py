"""Volumes, their snapshots, and the servers that have them."""

from typing import Any

from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, deleted, listed
from tests.rest import COMPUTE, IMAGE, VOLUME, until

CASES: list[Case] = []
case = collector(CASES)


def settled(work: Work, id: str, status: str = "available") -> dict[str, Any]:
    """A volume once it has a status."""
    found: dict[str, Any] = until(
        lambda: (row := work.get(f"{VOLUME}/volumes/{id}", "volume"))["status"] == status and row,
        60,
        f"the volume is {status}",
    )
    return found


def kept(work: Work, id: str) -> dict[str, Any]:
    """A snapshot once it is whole."""
    found: dict[str, Any] = until(
        lambda: (row := work.get(f"{VOLUME}/snapshots/{id}", "snapshot"))["status"] == "available" and row,
        60,
        "the snapshot is whole",
    )
    return found


def volume(work: Work, **more: object) -> str:
    id = work.make(f"{VOLUME}/volumes", "volume", {"name": work.name, "size": 1, **more})
    settled(work, id)
    return id


def snapshot(work: Work, **more: object) -> str:
    """A snapshot of a volume of its own."""
    body = {"name": work.name, "volume_id": volume(work), **more}
    id = work.make(f"{VOLUME}/snapshots", "snapshot", body)
    kept(work, id)
    return id


def alike(row: dict[str, Any]) -> dict[str, Any]:
    """A volume or snapshot without what another run has differently: where it lies."""
    return {name: value for name, value in row.items() if name not in ("links", "os-vol-host-attr:host")}


def made(work: Work) -> dict[str, Any]:
    """The volume of this run once it is there."""
    row: dict[str, Any] = work.named(f"{VOLUME}/volumes/detail", "volumes")
    return settled(work, row["id"])


@case("volume.create")
def make_a_volume(work: Work) -> Steps:
    type = work.make(f"{VOLUME}/types", "volume_type", {"name": work.name}, work.admin)
    typed = {
        "name": work.name, "description": "it's new", "size": 2, "type": type, "metadata": "team=it's ours\nrole=a b"
    }  # fmt: skip
    yield Ask("/volumes/create", ("volume.create",), typed)
    row = made(work)
    assert (row["size"], row["description"], row["volume_type"]) == (2, "it's new", work.name)
    assert row["metadata"] == {"team": "it's ours", "role": "a b"}
    return alike(row)


@case("volume.create")
def make_a_volume_of_an_image(work: Work) -> Steps:
    image = work.rest.named(f"{IMAGE}/images", "images", "demo")
    yield Ask("/volumes/create", ("volume.create",), {"name": work.name, "size": 3, "source": f"image:{image}"})
    row = made(work)
    assert (row["size"], row["bootable"], row["volume_image_metadata"]["image_id"]) == (3, "true", image)
    return alike(row)


@case("volume.create")
def make_a_volume_of_another(work: Work) -> Steps:
    first = volume(work)
    work.rest.ok("PUT", f"{VOLUME}/volumes/{first}", {"volume": {"name": f"{work.name}-first"}})
    yield Ask("/volumes/create", ("volume.create",), {"name": work.name, "size": 2, "source": f"volume:{first}"})
    row = made(work)
    assert (row["size"], row["source_volid"]) == (2, first)
    return alike(row)


@case("volume.create")
def make_a_volume_of_a_snapshot(work: Work) -> Steps:
    id = snapshot(work)
    first = work.get(f"{VOLUME}/snapshots/{id}", "snapshot")["volume_id"]
    work.rest.ok("PUT", f"{VOLUME}/volumes/{first}", {"volume": {"name": f"{work.name}-first"}})
    yield Ask(f"/volumes/create?snapshot={id}", ("volume.create",), {"name": work.name})
    row = made(work)
    assert (row["size"], row["snapshot_id"]) == (1, id)
    return alike(row)


@case("volume.update")
def rename_a_volume(work: Work) -> Steps:
    id = volume(work, description="old")
    typed = {"name": f"{work.name}-b", "description": "it's new"}
    yield Ask(f"/volumes/{id}/edit", ("volume.update",), typed)
    row = settled(work, id)
    assert (row["name"], row["description"]) == (f"{work.name}-b", "it's new")
    yield Ask(f"/volumes/{id}/edit", ("volume.update",), {"description": ""}, lacks=(CLI,))
    row = settled(work, id)
    assert (row["name"], not row["description"]) == (f"{work.name}-b", True)
    return alike(row)


@case("volume.extend")
def extend_a_volume(work: Work) -> Steps:
    id = volume(work)
    yield Ask(f"/volumes/{id}/extend", ("volume.extend",), {"size": 4})
    row = settled(work, id)
    assert row["size"] == 4
    return alike(row)


@case("volume.upload")
def upload_a_volume(work: Work) -> Steps:
    id = volume(work)
    yield Ask(f"/volumes/{id}/upload", ("volume.upload",), {"name": work.name})
    settled(work, id)
    image = work.named(f"{IMAGE}/images", "images")["id"]
    row = until(
        lambda: (found := work.get(f"{IMAGE}/images/{image}"))["status"] == "active" and found, 60, "the image is there"
    )
    assert (row["disk_format"], row["visibility"], row["protected"]) == ("qcow2", "private", False)
    return row


deleted(CASES, "volume.delete", "/volumes/{id}/delete", VOLUME + "/volumes/{id}", volume)
deleted(CASES, "volume.delete", "/volumes/delete?ids={id}", VOLUME + "/volumes/{id}", volume)
listed(CASES, "volume.list", "/volumes", volume, narrowed="name={name}&status=available")


@case("server.attach-volume", "server.detach-volume", account="admin")
def attach_a_volume(work: Work) -> Steps:
    id = volume(work)
    host = settled(work, id)["os-vol-host-attr:host"].partition("@")[0]
    server = work.rest.boot(work.name, availability_zone=f"nova:{host}")
    work.goes(f"{COMPUTE}/servers/{server}")
    work.rest.until(server, "ACTIVE")
    yield Ask(f"/volumes/{id}/attach", ("server.attach-volume",), {"server": server})
    row = settled(work, id, "in-use")
    assert [one["server_id"] for one in row["attachments"]] == [server]
    yield Ask(f"/volumes/{id}/detach", ("server.detach-volume",))
    assert settled(work, id)["attachments"] == []
    return [one["device"] for one in row["attachments"]]


# ── Snapshots ───────────────────────────────────────────────────────────────────────────────────────────────────────


@case("volume snapshot.create")
def make_a_snapshot_of_a_volume(work: Work) -> Steps:
    id = volume(work)
    typed = {"name": work.name, "description": "it's kept"}
    yield Ask(f"/volumes/{id}/snapshot", ("volume snapshot.create",), typed)
    row = kept(work, work.named(f"{VOLUME}/snapshots/detail", "snapshots")["id"])
    assert (row["volume_id"], row["description"]) == (id, "it's kept")
    return alike(row)


@case("volume snapshot.update")
def rename_a_snapshot_of_a_volume(work: Work) -> Steps:
    id = snapshot(work, description="old")
    typed = {"name": f"{work.name}-b", "description": "it's new"}
    yield Ask(f"/volume-snapshots/{id}/edit", ("volume snapshot.update",), typed)
    row = kept(work, id)
    assert (row["name"], row["description"]) == (f"{work.name}-b", "it's new")
    yield Ask(f"/volume-snapshots/{id}/edit", ("volume snapshot.update",), {"description": ""}, lacks=(CLI,))
    row = kept(work, id)
    assert (row["name"], not row["description"]) == (f"{work.name}-b", True)
    return alike(row)


@case("volume.revert")
def take_a_volume_back_to_its_snapshot(work: Work) -> Steps:
    id = snapshot(work)
    first = work.get(f"{VOLUME}/snapshots/{id}", "snapshot")["volume_id"]
    before = settled(work, first)
    yield Ask(f"/volume-snapshots/{id}/revert", ("volume.revert",))
    row = settled(work, first)
    assert row["updated_at"] != before["updated_at"]
    return alike(row)


for url in ("/volume-snapshots/{id}/delete", "/volume-snapshots/delete?ids={id}"):
    deleted(CASES, "volume snapshot.delete", url, VOLUME + "/snapshots/{id}", snapshot)
listed(CASES, "volume snapshot.list", "/volume-snapshots", snapshot, narrowed="name={name}")
