"""Images, and who they are shared with."""

from collections.abc import Mapping
from dataclasses import replace

from portal.images.create import CreateForm
from portal.images.fields import Described, container
from portal.showas.entries import Entry, Typed, each, of_kind, once, straight
from portal.showas.kinds import AN_ACT, NEVER, NO_SOURCE, SAME, TAKE_OUT, UNKNOWN_THERE, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.ui.calls import Call

IMAGE = "openstack_images_image_v2"
ID = Arg("id", cli="<>")
VISIBLE = Arg(
    "visibility",
    cli={"public": "--public", "private": "--private", "shared": "--shared", "community": "--community"},
    tf=SAME,
)
_SHOWN = (
    Arg("min_disk", cli="--min-disk", tf="min_disk_gb"),
    Arg("min_ram", cli="--min-ram", tf="min_ram_mb"),
    VISIBLE,
    Arg("protected", cli="--protected|--unprotected", sdk="is_protected", tf=SAME),
)
PROPERTIES = Arg("properties", cli="--property {key}={value}", sdk="meta", tf=SAME, spread=True)
FORMAT = Arg("disk_format", cli="--disk-format", tf=SAME)
#: The bytes go in with the client's own `--file`; a bare request has a second one for them.
CREATE = Kind(
    name="image.create", service="image", method="POST", path="/v2/images", cli="image create", sdk="create_image", gives="image",
    tf=Terraform(IMAGE),
    args=(
        Arg("name", cli="<>", tf=SAME),
        FORMAT,
        Arg("container_format", cli="--container-format", tf=SAME),
        *_SHOWN,
        PROPERTIES,
        Arg("file", cli="--file", tf="local_file_path", wire=None, sdk="filename"),
        Arg("uri", cli="< <(curl -fsSL {})", sdk="uri", tf="image_source_url", wire=None),
        Arg("web_download", sdk="use_import", tf=SAME, wire=None),
        Arg("method", sdk="import_method", wire=None),
    ),
)  # fmt: skip
UPLOAD = Kind(
    name="image.upload", service="image", method="PUT", path="/v2/images/{id}/file", whole="file", media="application/octet-stream",
    within="image.create", tf="", args=(ID, Arg("file")),
)  # fmt: skip
IMPORT = Kind(
    name="image.import", service="image", method="POST", path="/v2/images/{id}/import", cli="image import --method web-download", tf=AN_ACT,
    args=(ID, Arg("uri", cli="--uri", key="method", wire=lambda uri: {"name": "web-download", "uri": uri})),
)  # fmt: skip
#: The client has no creation that is fetched by the cloud; it sends what it fetches itself.
FETCH = replace(IMPORT, name="image.fetch", within="image.create", tf="")
_PATCH = "application/openstack-images-v2.1-json-patch"
UPDATE = Kind(
    name="image.update", service="image", method="PATCH", path="/v2/images/{id}", cli="image set", sdk="update_image", keeps_empty=True,
    media=_PATCH, whole="changes", tf=Terraform(IMAGE, "change"),
    args=(ID, Arg("name", cli="--name", tf=SAME), FORMAT, *_SHOWN, replace(PROPERTIES, sdk="**"), Arg("changes", sdk="")),
)  # fmt: skip
DROP = Kind(
    name="image.drop-properties", service="image", method="PATCH", path="/v2/images/{id}", cli="image unset", media=_PATCH, whole="changes",
    args=(ID, Arg("gone", cli="--property", wire=None), Arg("changes")), tf=TAKE_OUT,
)  # fmt: skip
DELETE = Kind(
    name="image.delete", service="image", method="DELETE", path="/v2/images/{id}", cli="image delete", sdk="delete_image", args=(ID,), tf=TAKE_OUT
)  # fmt: skip
LIST = Kind(
    name="image.list", service="image", method="GET", path="/v2/images", cli="image list", sdk="images", tf=Terraform(IMAGE, "data"),
    args=(
        Arg("named", tf="name", wire=None), Arg("name", cli="--name", asks="name"), replace(VISIBLE, asks="visibility"),
        Arg("status", cli="--status", asks="status"), Arg("protected", cli=NEVER, sdk="is_protected", asks="protected"),
        Arg("disk_format", cli=NEVER, tf=SAME, asks="format"),
    ),
)  # fmt: skip
SWITCHES = {
    "deactivate": Kind(
        name="image.deactivate", service="image", method="POST", path="/v2/images/{id}/actions/deactivate", cli="image set --deactivate",
        sdk="deactivate_image", args=(ID,), tf=AN_ACT,
    ),
    "reactivate": Kind(
        name="image.reactivate", service="image", method="POST", path="/v2/images/{id}/actions/reactivate", cli="image set --activate",
        sdk="reactivate_image", args=(ID,), tf=AN_ACT,
    ),
}  # fmt: skip


def changed(call: Call, columns: Mapping[str, Value], wanted: Mapping[str, str]) -> list[Use]:
    """Return the change of an image's columns and properties; on the wire it is a list of changes. An empty text takes a property away."""
    have = call.row.properties
    new = {name: text for name, text in wanted.items() if text and have.get(name) != text}
    gone = [name for name, text in wanted.items() if not text and name in have]
    changes = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in columns.items()]
    changes += [{"op": "add", "path": pointer(name), "value": text} for name, text in new.items()]
    found = [Use(UPDATE, {"id": call.id, **columns, "properties": new or None, "changes": changes})] if changes else []
    drops = [{"op": "remove", "path": pointer(name)} for name in gone]
    return found + ([Use(DROP, {"id": call.id, "gone": gone, "changes": drops})] if gone else [])


def pointer(name: str) -> str:
    """Write the name of a property as JSON Pointer has it."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def edit(call: Call, typed: Typed) -> list[Use]:
    new = typed.edited
    texts = {name: new[name] for name in Described.properties if name in new}
    return changed(call, {name: new[name] for name in Described.columns if name in new}, texts)


def metadata(call: Call, typed: Typed) -> list[Use]:
    wanted = typed.get("properties") or {}
    return changed(call, {}, {**dict.fromkeys(call.row.properties, ""), **wanted})


def read(data: Value) -> dict[str, Value]:
    """Read the form of a new image, as far as it is right."""
    form = CreateForm(data)
    form.is_valid()
    texts = {name: data.get(name, "") for name in Described.properties}
    return {**form.cleaned_data, "properties": {**form.cleaned_data.get("metadata", {}), **texts}}


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of an image, and the sending of its bytes or the fetching of them from an address."""
    properties = {name: text for name, text in typed["properties"].items() if text}
    values = {**of_kind(CREATE, typed), "name": typed["name"], "properties": properties}
    values |= {"disk_format": typed["disk_format"], "container_format": container(typed.get("disk_format", ""))}
    values["protected"] = typed.get("protected") or None
    uri = typed.get("uri")
    if uri:
        image = Use(CREATE, {**values, "uri": uri, "web_download": True, "method": "web-download"})
        return [image, Use(FETCH, {"id": image.made, "uri": uri})]
    image = Use(CREATE, {**values, "file": missing("file")})
    return [image, Use(UPLOAD, {"id": image.made, "file": missing("file")})]


def switch(call: Call, typed: Typed) -> list[Use]:
    return [Use(SWITCHES["reactivate" if call.keys["verb"] == "reactivate" else "deactivate"], {"id": call.id})]


SHARED = Kind(
    name="image.list-shared", service="image", method="GET", path="/v2/images?visibility={visibility}&member_status={member_status}",
    cli="image list --shared", sdk="images", args=(Arg("visibility", sdk="visibility"), Arg("member_status", cli="--member-status", sdk="member_status")),
    tf=NO_SOURCE,
)  # fmt: skip
_MEMBER = "/v2/images/{id}/members"
ADD_MEMBER = Kind(
    name="image.add-member", service="image", method="POST", path=_MEMBER, cli="image add project", sdk="add_member",
    args=(Arg("id", cli="<>", tf="image_id"), Arg("member", cli="<>", sdk="member_id", tf="member_id")),
    tf=Terraform("openstack_images_image_access_v2"),
)  # fmt: skip
REMOVE_MEMBER = Kind(
    name="image.remove-member", service="image", method="DELETE", path=_MEMBER + "/{member}", cli="image remove project",
    sdk="remove_member", args=(Arg("id", cli="<>", sdk="image"), Arg("member", cli="<>")), tf=TAKE_OUT,
)  # fmt: skip
ANSWER = Kind(
    name="image.answer", service="image", method="PUT", path=_MEMBER + "/{member}", cli="image set", sdk="update_member",
    args=(
        Arg("id", cli="<>", sdk="image"), Arg("member"),
        Arg("status", cli={"accepted": "--accept", "rejected": "--reject", "pending": "--pending"}),
    ),
    tf=UNKNOWN_THERE,
)  # fmt: skip


def answer(call: Call, typed: Typed) -> list[Use]:
    """Return what the project says to an image that is shared with it."""
    return [Use(ANSWER, {"id": call.id, "member": call.actor.project_id, "status": call.keys["answer"]})]


ENTRIES: dict[str, Entry] = {
    "image-create": Entry(uses=create, read=read),
    "image-metadata": Entry(uses=metadata),
    "image-import": straight(IMPORT),
    "images": once(LIST, named=missing("name")),
    "image-edit": Entry(uses=edit),
    "image-delete": each(DELETE),
    "images-delete": each(DELETE),
    "images-snapshots": once(LIST, named=missing("name")),
    "all-images": once(LIST, named=missing("name")),
    "images-shared": once(SHARED, visibility="shared", member_status="all"),
    "image-answer": Entry(uses=answer),
    "image-member-add": straight(ADD_MEMBER, member="project"),
    "image-member-remove": straight(REMOVE_MEMBER),
    "image-switch": Entry(uses=switch),
}
