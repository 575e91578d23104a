"""Volumes, their snapshots, and who has them."""

from dataclasses import replace

from portal.showas.entries import Entry, Typed, each, edit, family, of_kind, once, rows_of, straight
from portal.showas.kinds import AN_ACT, SAME, TAKE_OUT, Arg, Awaited, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.ui.calls import Call
from volumes.attachments.models import Attachment
from volumes.types.models import VolumeType
from volumes.types.services import DEFAULT

DISK = "openstack_blockstorage_volume_v3"
AVAILABLE = "available"
THE_VOLUME = Awaited(
    service="volume", path="/volumes/{id}", wrap="volume", cli="volume show", sdk="get_volume", failed="error"
)
THE_SNAPSHOT = replace(
    THE_VOLUME, path="/snapshots/{id}", wrap="snapshot", cli="volume snapshot show", sdk="get_snapshot"
)
ID = Arg("id", cli="<>")
NAME = Arg("name", cli="<>", tf=SAME)
DESCRIPTION = Arg("description", cli="--description", tf=SAME)
#: The client leaves out what is empty.
RENAMED = (replace(NAME, cli="--name", filled=True), replace(DESCRIPTION, filled=True))
BY_NAME = Arg("name", cli="--name", asks="name")


VOLUME = family(
    "volume", "/volumes", "volume", "volume", "volume", tf=DISK, listed="/volumes/detail", change=RENAMED,
    args=(
        NAME,
        Arg("size", cli="--size", tf=SAME),
        DESCRIPTION,
        Arg("volume_type", cli="--type", tf=SAME),
        Arg("imageRef", cli="--image", sdk="image_id", tf="image_id"),
        Arg("snapshot_id", cli="--snapshot", tf=SAME),
        Arg("source_volid", cli="--source", sdk="source_volume_id", tf="source_vol_id"),
        Arg("metadata", cli="--property {key}={value}", tf=SAME),
    ),
    asks=(BY_NAME, Arg("status", cli="--status", tf=SAME, asks="status")),
    begins={"ends": AVAILABLE, "awaited": THE_VOLUME},
)  # fmt: skip
SNAPSHOT = family(
    "volume", "/snapshots", "snapshot", "volume snapshot", "snapshot", source="openstack_blockstorage_snapshot_v3",
    listed="/snapshots/detail", change=RENAMED, asks=(BY_NAME,),
    args=(NAME, Arg("volume_id", cli="--volume"), DESCRIPTION), begins={"ends": AVAILABLE, "awaited": THE_SNAPSHOT},
)  # fmt: skip


def _act(name: str, wrap: str, cli: str, sdk: str, *args: Arg, **more: Value) -> Kind:
    """Make the kind of an action of a volume, which is available again afterwards."""
    return Kind(
        name=f"volume.{name}", service="volume", method="POST", path="/volumes/{id}/action", wrap=wrap, cli=cli, sdk=sdk, args=args,
        ends=AVAILABLE, awaited=THE_VOLUME, **more,
    )  # fmt: skip


EXTEND = _act(
    "extend", "os-extend", "volume set", "extend_volume", ID, Arg("new_size", cli="--size", sdk="*", tf="size"),
    tf=Terraform(DISK, "change"),
)  # fmt: skip
UPLOAD = _act(
    "upload", "os-volume_upload_image", "image create", "upload_volume_to_image",
    Arg("id", cli="--volume"), Arg("image_name", cli="<>", sdk="*"), Arg("disk_format", cli="--disk-format"),
    Arg("container_format", cli="--container-format"),
    gives="image", key="image_id", read='["image_id"]',
)  # fmt: skip
REVERT = _act(
    "revert", "revert", "volume revert", "revert_volume_to_snapshot", Arg("id"), Arg("snapshot_id", cli="<>", sdk="*"), tf=AN_ACT
)  # fmt: skip
ATTACH = Kind(
    name="server.attach-volume", service="compute", method="POST", path="/servers/{id}/os-volume_attachments", wrap="volumeAttachment",
    cli="server add volume", sdk="create_volume_attachment", tf=Terraform("openstack_compute_volume_attach_v2"),
    args=(Arg("id", cli="<>", tf="instance_id"), Arg("volumeId", cli="<>", sdk="*", tf="volume_id")),
    ends="in-use", awaited=replace(THE_VOLUME, at="volumeId"),
)  # fmt: skip
DETACH = Kind(
    name="server.detach-volume", service="compute", method="DELETE", path="/servers/{id}/os-volume_attachments/{volume}",
    cli="server remove volume", sdk="delete_volume_attachment", tf=TAKE_OUT, args=(ID, Arg("volume", cli="<>")),
    ends=AVAILABLE, awaited=replace(THE_VOLUME, at="volume"),
)  # fmt: skip

#: What a volume is made of, as the form says it → the argument.
SOURCES = {"image": "imageRef", "snapshot": "snapshot_id", "volume": "source_volid"}


def create(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a volume. Its type goes by its name, unless all have it that name none."""
    source, _colon, id = (typed.get("source") or "").partition(":")
    type = VolumeType.objects.filter(pk=typed.get("type") or "").exclude(name=DEFAULT).first()
    of = {SOURCES[source]: id} if source in SOURCES else {}
    return [Use(VOLUME.create, {**of_kind(VOLUME.create, typed), "volume_type": type and type.name, **of})]


def upload(call: Call, typed: Typed) -> list[Use]:
    """Return the copy of a volume into an image. The client would else ask for the format raw, which there is none of."""
    formats = {"disk_format": "qcow2", "container_format": "bare"}
    return [Use(UPLOAD, {"id": call.id, "image_name": typed["name"], **formats})]


def attach(call: Call, typed: Typed) -> list[Use]:
    return [Use(ATTACH, {"id": typed["server"], "volumeId": call.id})]


def detach(call: Call, typed: Typed) -> list[Use]:
    server = Attachment.objects.filter(volume=call.row).values_list("server_id", flat=True).first()
    return [Use(DETACH, {"id": server or missing("server"), "volume": call.id})]


def snapshot(call: Call, typed: Typed) -> list[Use]:
    return [Use(SNAPSHOT.create, {**of_kind(SNAPSHOT.create, typed), "volume_id": call.id})]


def revert(call: Call, typed: Typed) -> list[Use]:
    return [Use(REVERT, {"id": call.row.volume_id, "snapshot_id": call.id})]


ENTRIES: dict[str, Entry] = {
    **rows_of(VOLUME, "volumes volume"),
    "volume-create": Entry(uses=create),
    "volume-extend": straight(EXTEND, new_size="size"),
    "volume-upload": Entry(uses=upload),
    "volume-attach": Entry(uses=attach),
    "volume-detach": Entry(uses=detach),
    "volume-snapshot-new": Entry(uses=snapshot),
    "volume-snapshots": once(SNAPSHOT.list, named=missing("name")),
    "volume-snapshots-delete": each(SNAPSHOT.delete),
    "volume-snapshot-delete": each(SNAPSHOT.delete),
    "volume-snapshot-edit": edit(SNAPSHOT.update),
    "volume-snapshot-revert": Entry(uses=revert),
}
