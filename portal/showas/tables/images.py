"""Images."""

from portal.showas.entries import Entry, Typed, each, of_kind, once
from portal.showas.kinds import AN_ACT, SAME, TAKE_OUT, Arg, Kind, Terraform, Use
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
    media="application/openstack-images-v2.1-json-patch", whole="patch", tf=Terraform(IMAGE, "change"),
    args=(ID, Arg("name", cli="--name", tf=SAME), *_SHOWN, Arg("patch", sdk="")),
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
    patch = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in new.items()]
    return [Use(UPDATE, {"id": call.id, **new, "patch": patch})]


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of an image and the sending of its bytes."""
    image = Use(CREATE, {**of_kind(CREATE, typed), "container_format": "bare", "file": missing("file")})
    return [image, Use(UPLOAD, {"id": image.made, "file": missing("file")})]


def switch(call: Call, typed: Typed) -> list[Use]:
    return [Use(SWITCHES["reactivate" if call.keys["verb"] == "reactivate" else "deactivate"], {"id": call.id})]


ENTRIES: dict[str, Entry] = {
    "images": once(LIST, named=missing("name")),
    "image-edit": Entry(uses=edit),
    "image-delete": each(DELETE),
    "image-switch": Entry(uses=switch),
}
