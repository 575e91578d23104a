"""Images, who they are shared with, and metadata definitions."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, deleted, listed
from tests.rest import IDENTITY, IMAGE, until

CASES: list[Case] = []
case = collector(CASES)
DEFINED = f"{IMAGE}/metadefs/namespaces"


def image(work: Work, *, filled: bool = False, **more: object) -> str:
    body = {"name": work.name, "disk_format": "raw", "container_format": "bare", **more}
    id = work.make(f"{IMAGE}/images", "", body)
    if filled:
        kind = {"Content-Type": "application/octet-stream"}
        work.rest.ok("PUT", f"{IMAGE}/images/{id}/file", b"\0" * 512, **kind)
    return id


def there(work: Work, id: str) -> dict[str, Any]:
    """An image once its bytes are there, without what the SDK alone notes of them."""
    row = until(
        lambda: (found := work.get(f"{IMAGE}/images/{id}"))["status"] == "active" and found, 60, "the image is there"
    )
    return {name: value for name, value in row.items() if not name.startswith("owner_specified.")}


def namespace(work: Work, **more: object) -> str:
    path = f"{DEFINED}/{work.name}"
    work.admin.ok("POST", DEFINED, {"namespace": work.name, "visibility": "public", **more})
    work.goes(path, work.admin)
    return work.name


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """An address that the cloud may fetch (STACKLING_FETCH_ALLOW)."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.9", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.9:{server.server_port}/image.raw"
    server.shutdown()


@case("image.update", "image.drop-properties")
def change_an_image(work: Work) -> Steps:
    id = image(work, description="old", architecture="x86_64")
    typed = {
        "name": f"{work.name}-b", "description": "it's new", "architecture": "", "min_disk": 2, "min_ram": 64, "protected": True, "disk_format": "qcow2",
        "visibility": "shared",
    }  # fmt: skip
    yield Ask(f"/images/{id}/edit", ("image.update", "image.drop-properties"), typed)
    row = work.get(f"{IMAGE}/images/{id}")
    assert (row["name"], row["description"], row["min_disk"], row["min_ram"]) == (f"{work.name}-b", "it's new", 2, 64)
    assert (row["protected"], row["disk_format"], "architecture" in row) == (True, "qcow2", False)
    yield Ask(f"/images/{id}/edit", ("image.update",), {"protected": False})
    assert work.get(f"{IMAGE}/images/{id}")["protected"] is False
    return row


@case("image.update", "image.drop-properties")
def set_the_metadata_of_an_image(work: Work) -> Steps:
    id = image(work, os_distro="debian", os_version="12", hw_rng_model="virtio")
    typed = {"properties": "os_distro=debian\nos_version=it's 13\nteam=a b"}
    yield Ask(f"/images/{id}/metadata", ("image.update", "image.drop-properties"), typed)
    row = work.get(f"{IMAGE}/images/{id}")
    assert (row["os_version"], row["team"], "hw_rng_model" in row) == ("it's 13", "a b", False)
    return row


deleted(CASES, "image.delete", "/images/{id}/delete", IMAGE + "/images/{id}", image)
listed(
    CASES,
    "image.list",
    "/images",
    image,
    narrowed="name={name}&visibility=shared&status=queued&protected=False&format=raw",
)


@case("image.deactivate", "image.reactivate", account="admin")
def switch_an_image(work: Work) -> Steps:
    id = image(work, filled=True)
    yield Ask(f"/images/{id}/switch/deactivate", ("image.deactivate",))
    assert work.get(f"{IMAGE}/images/{id}")["status"] == "deactivated"
    yield Ask(f"/images/{id}/switch/reactivate", ("image.reactivate",))
    assert work.get(f"{IMAGE}/images/{id}")["status"] == "active"
    return True


@case("image.add-member", "image.remove-member")
def share_an_image(work: Work) -> Steps:
    id = image(work, visibility="shared")
    other = work.make(f"{IDENTITY}/projects", "project", {"name": work.name}, work.admin)
    path = f"{IMAGE}/images/{id}/members"
    yield Ask(f"/images/{id}/members/add", ("image.add-member",), {"project": other})
    assert [row["member_id"] for row in work.get(path, "members")] == [other]
    yield Ask(f"/images/{id}/members/{other}/remove", ("image.remove-member",))
    assert work.get(path, "members") == []
    return True


@case("image.create", "image.upload")
def send_an_image(work: Work) -> Steps:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" * 1024)
        file.flush()
        typed = {
            "name": work.name, "description": "it's sent", "disk_format": "raw", "visibility": "private", "min_disk": 1, "min_ram": 64,
            "architecture": "x86_64", "metadata": "team=it's ours",
        }  # fmt: skip
        yield Ask("/images/create", ("image.create", "image.upload"), typed, {"FILE": file.name}, file=file.name)
    id = work.named(f"{IMAGE}/images", "images")["id"]
    row = there(work, id)
    assert (row["size"], row["description"], row["team"], row["min_ram"]) == (1024, "it's sent", "it's ours", 64)
    return row


@case("image.create", "image.fetch")
def fetch_an_image(work: Work) -> Steps:
    with served(b"\0" * 2048) as uri:
        typed = {"name": work.name, "uri": uri, "disk_format": "raw", "visibility": "private"}
        yield Ask("/images/create", ("image.create", "image.fetch"), typed)
        id = work.named(f"{IMAGE}/images", "images")["id"]
        row = there(work, id)
    assert row["size"] == 2048
    return row


@case("image.import")
def fetch_the_bytes_of_an_image(work: Work) -> Steps:
    id = image(work)
    with served(b"\0" * 2048) as uri:
        yield Ask(f"/images/{id}/import", ("image.import",), {"uri": uri})
        row = there(work, id)
    assert row["size"] == 2048
    return row


@case("image.answer", "image.list-shared")
def answer_to_a_shared_image(work: Work) -> Steps:
    body = {"name": work.name, "disk_format": "raw", "container_format": "bare", "visibility": "shared"}
    id = work.make(f"{IMAGE}/images", "", body, work.admin)
    work.admin.ok("POST", f"{IMAGE}/images/{id}/members", {"member": work.project})
    path = f"{IMAGE}/images/{id}/members/{work.project}"
    for status in ("accepted", "rejected"):
        yield Ask(f"/images/{id}/answer/{status}", ("image.answer",))
        assert work.get(path)["status"] == status
    said = yield Ask("/images/shared", ("image.list-shared",))
    assert work.name in said
    return True


# ── Metadata definitions ────────────────────────────────────────────────────────────────────────────────────────────


DOCUMENT = {
    "display_name": "it's a namespace", "description": "of tests",
    "properties": {"colour": {"title": "it's a colour", "type": "string", "enum": ["red", "blue"], "description": "of the case"}},
    "objects": [{"name": "lamp", "description": "it's bright", "required": ["watt"], "properties": {"watt": {"title": "W", "type": "integer"}}}],
    "tags": [{"name": "lit"}, {"name": "dim"}],
    "resource_type_associations": [{"name": "OS::Nova::Flavor", "properties_target": "x"}, {"name": "OS::Glance::Image", "prefix": "hw_"}],
}  # fmt: skip


def defined(work: Work) -> dict[str, Any]:
    row: dict[str, Any] = work.get(f"{DEFINED}/{work.name}", "", work.admin)
    for name in ("objects", "tags", "resource_type_associations"):
        row[name] = sorted(row.get(name, []), key=lambda one: str(one["name"]))
    return row


@case(
    "metadef.create",
    "metadef.add-property",
    "metadef.add-tag",
    "metadef.add-type",
    "metadef.add-object",
    account="admin",
)
def import_a_namespace(work: Work) -> Steps:
    typed = {"text": json.dumps({"namespace": work.name, **DOCUMENT}), "public": True, "protected": False}
    kinds = ("metadef.create", "metadef.add-property", "metadef.add-tag", "metadef.add-type", "metadef.add-object")
    yield Ask("/metadata-definitions/-/import", kinds, typed, lacks=(CLI,))
    work.goes(f"{DEFINED}/{work.name}")
    row = defined(work)
    assert (row["display_name"], row["visibility"], row["properties"]["colour"]["enum"]) == (
        "it's a namespace",
        "public",
        ["red", "blue"],
    )
    assert [one["name"] for one in row["tags"]] == ["dim", "lit"] and row["objects"][0]["properties"]["watt"][
        "title"
    ] == "W"
    assert row["resource_type_associations"][0]["prefix"] == "hw_"
    return row


@case(
    "metadef.create",
    "metadef.add-property",
    "metadef.add-tag",
    "metadef.add-type",
    "metadef.add-object",
    account="admin",
)
def import_a_plain_namespace(work: Work) -> Steps:
    parts = {**DOCUMENT, "objects": [{"name": "lamp"}], "resource_type_associations": [{"name": "OS::Nova::Flavor"}]}
    typed = {"text": json.dumps({"namespace": work.name, **parts}), "public": True, "protected": False}
    kinds = ("metadef.create", "metadef.add-property", "metadef.add-tag", "metadef.add-type", "metadef.add-object")
    yield Ask("/metadata-definitions/-/import", kinds, typed)
    work.goes(f"{DEFINED}/{work.name}")
    row = defined(work)
    assert (row["description"], row["visibility"], row["objects"][0]["name"]) == ("of tests", "public", "lamp")
    assert [one["name"] for one in row["tags"]] == ["dim", "lit"] and row["properties"]["colour"][
        "description"
    ] == "of the case"
    return row


@case("metadef.update", account="admin")
def change_a_namespace(work: Work) -> Steps:
    id = namespace(work, display_name="old", description="old words")
    typed = {"display_name": "it's new", "description": "it's other", "public": False, "protected": True}
    yield Ask(f"/metadata-definitions/{id}/edit", ("metadef.update",), typed)
    row = defined(work)
    assert (row["display_name"], row["description"], row["visibility"], row["protected"]) == (
        "it's new",
        "it's other",
        "private",
        True,
    )
    yield Ask(f"/metadata-definitions/{id}/edit", ("metadef.update",), {"protected": False, "description": ""})
    row = defined(work)
    assert (row["display_name"], row["protected"], not row.get("description")) == ("it's new", False, True)
    return {name: value for name, value in row.items() if name != "description"}


@case("metadef.add-type", "metadef.drop-type", account="admin")
def say_what_a_namespace_is_for(work: Work) -> Steps:
    id = namespace(
        work, resource_type_associations=[{"name": "OS::Nova::Flavor"}, {"name": "OS::Glance::Image", "prefix": "hw_"}]
    )
    typed = {"types": ["OS::Nova::Server", "OS::Glance::Image"], "prefixes": "OS::Glance::Image=hw_"}
    yield Ask(f"/metadata-definitions/{id}/types", ("metadef.add-type", "metadef.drop-type"), typed)
    found = {one["name"]: one.get("prefix") for one in defined(work)["resource_type_associations"]}
    assert found == {"OS::Nova::Server": None, "OS::Glance::Image": "hw_"}
    typed = {"types": ["OS::Nova::Server", "OS::Glance::Image"], "prefixes": "OS::Glance::Image=os_"}
    yield Ask(f"/metadata-definitions/{id}/types", ("metadef.add-type", "metadef.drop-type"), typed, lacks=(CLI,))
    found = {one["name"]: one.get("prefix") for one in defined(work)["resource_type_associations"]}
    assert found == {"OS::Nova::Server": None, "OS::Glance::Image": "os_"}
    return found


deleted(CASES, "metadef.delete", "/metadata-definitions/{id}/delete", DEFINED + "/{id}", namespace, "admin")
listed(CASES, "metadef.list", "/metadata-definitions", namespace, "admin")
