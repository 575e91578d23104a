"""Images."""

from portal.showas.entries import Entry, Typed, each, of_kind, once, straight
from portal.showas.kinds import AN_ACT, NO_SOURCE, SAME, TAKE_OUT, UNKNOWN_THERE, Arg, Kind, Terraform, Use
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
#: The bytes go in with the client's own `--file`; a bare request has a second one for them.
CREATE = Kind(
    name="image.create", service="image", method="POST", path="/v2/images", cli="image create", sdk="create_image", gives="image",
    tf=Terraform(IMAGE),
    args=(
        Arg("name", cli="<>", tf=SAME),
        Arg("disk_format", cli="--disk-format", tf=SAME),
        Arg("container_format", cli="--container-format", tf=SAME),
        *_SHOWN,
        Arg("properties", cli="--property {key}={value}", sdk="meta", tf=SAME, spread=True),
        Arg("file", cli="--file", tf="local_file_path", wire=None, sdk="filename"),
    ),
)  # fmt: skip
UPLOAD = Kind(
    name="image.upload", service="image", method="PUT", path="/v2/images/{id}/file", whole="file", media="application/octet-stream",
    within="image.create", tf="", args=(ID, Arg("file")),
)  # fmt: skip
UPDATE = Kind(
    name="image.update", service="image", method="PATCH", path="/v2/images/{id}", cli="image set", sdk="update_image", keeps_empty=True,
    media="application/openstack-images-v2.1-json-patch", whole="changes", tf=Terraform(IMAGE, "change"),
    args=(ID, Arg("name", cli="--name", tf=SAME), *_SHOWN, Arg("changes", sdk="")),
)  # fmt: skip
DELETE = Kind(
    name="image.delete", service="image", method="DELETE", path="/v2/images/{id}", cli="image delete", sdk="delete_image", args=(ID,), tf=TAKE_OUT
)  # fmt: skip
LIST = Kind(
    name="image.list", service="image", method="GET", path="/v2/images", cli="image list", sdk="images", tf=Terraform(IMAGE, "data"),
    args=(Arg("named", tf="name", wire=None),),
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


def edit(call: Call, typed: Typed) -> list[Use]:
    """Return the change of what differs; on the wire it is a list of changes."""
    new: dict[str, Value] = dict(typed.edited)
    changes = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in new.items()]
    return [Use(UPDATE, {"id": call.id, **new, "changes": changes})]


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of an image and the sending of its bytes."""
    image = Use(CREATE, {**of_kind(CREATE, typed), "container_format": "bare", "file": missing("file")})
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
_DEFINED = "/v2/metadefs/namespaces"
NAMESPACES = Kind(
    name="metadef.list", service="image", method="GET", path=_DEFINED, cli="image metadef namespace list", sdk="metadef_namespaces",
    key="namespace", tf=NO_SOURCE,
)  # fmt: skip
NAMESPACE_GONE = Kind(
    name="metadef.delete", service="image", method="DELETE", path=_DEFINED + "/{id}", cli="image metadef namespace delete",
    sdk="delete_metadef_namespace", args=(ID,), tf=UNKNOWN_THERE,
)  # fmt: skip


def answer(call: Call, typed: Typed) -> list[Use]:
    """Return what the project says to an image that is shared with it."""
    status = {"accept": "accepted", "reject": "rejected"}.get(call.keys["answer"], call.keys["answer"])
    return [Use(ANSWER, {"id": call.id, "member": call.actor.project_id, "status": status})]


ENTRIES: dict[str, Entry] = {
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
    "metadata-definitions": once(NAMESPACES),
    "metadata-definition-delete": each(NAMESPACE_GONE),
    "metadata-definitions-delete": each(NAMESPACE_GONE),
    "image-switch": Entry(uses=switch),
}
