"""What is done with volumes and their snapshots."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compute.servers.lifecycle import volumes as server_volumes
from compute.servers.models import Server
from images.images.models import Image
from images.images.states import ACTIVE
from portal.ui import Text
from portal.ui.calls import Call, to_made
from portal.ui.dialogs import Confirm, FormDialog, choices, from_row
from portal.ui.forms import Description, Name, Pairs, Styled
from portal.ui.removal import Removal
from portal.volumes.listing import type_word
from volumes.attachments import exports
from volumes.attachments.models import Attachment
from volumes.snapshots import services as snapshots
from volumes.snapshots.models import Snapshot
from volumes.snapshots.states import AVAILABLE as WHOLE
from volumes.types.models import VolumeType
from volumes.types.services import DEFAULT
from volumes.volumes import creating, services
from volumes.volumes.creating import Wanted
from volumes.volumes.errors import BadVolumeSize
from volumes.volumes.models import Volume
from volumes.volumes.states import AVAILABLE

MOST = 200  # things that a select offers


def gib(initial: int | None = None) -> forms.IntegerField:
    label = gettext_lazy("Size, GiB")
    return forms.IntegerField(label=label, min_value=1, max_value=services.LARGEST, initial=initial)


# ── Create ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class CreateForm(Styled):
    name = Name()
    description = Description()
    source = forms.ChoiceField(
        label=gettext_lazy("Made of"), required=False, help_text=gettext_lazy("Empty: a volume of zeros.")
    )
    size = gib(initial=1)
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False)
    metadata = Pairs(label=gettext_lazy("Metadata"), required=False)


def sources(call: Call) -> list[tuple[str, Text]]:
    """List what a volume can be made of: images, the project's snapshots and its free volumes."""
    project = call.actor.project_id or ""
    images = Image.objects.of_pages(call.actor).filter(status=ACTIVE).order_by("name")[:MOST]
    kept = (
        Snapshot.objects.filter(project_id=project, status=WHOLE)
        .select_related("volume")
        .order_by("-created_at")[:MOST]
    )
    free = Volume.objects.filter(project_id=project, status=AVAILABLE).order_by("name")[:MOST]
    return [
        ("", _("Nothing")),
        *((f"image:{one.pk}", _("Image %(name)s") % {"name": one.name or one.pk}) for one in images),
        *(
            (f"snapshot:{one.pk}", _("Snapshot %(name)s of %(volume)s") % {"name": one, "volume": one.volume})
            for one in kept
        ),
        *((f"volume:{one.pk}", _("Volume %(name)s") % {"name": one}) for one in free),
    ]


def types_offered(call: Call) -> list[tuple[str, Text]]:
    rows = VolumeType.objects.visible_to(call.actor).order_by("name")
    return [(row.pk, type_word(row)) for row in rows]


def asked_for(call: Call) -> dict[str, object]:
    """Begin with what the address names: a snapshot, as large as it is."""
    kept = Snapshot.objects.filter(
        project_id=call.actor.project_id or "", pk=call.request.GET.get("snapshot", "")
    ).first()
    default = VolumeType.objects.filter(name=DEFAULT).values_list("pk", flat=True).first()
    found: dict[str, object] = {"type": default or ""}
    return found if kept is None else {**found, "source": f"snapshot:{kept.pk}", "size": kept.size}


def create(call: Call, values: dict[str, Any]) -> Volume:
    kind, _sep, id = values["source"].partition(":")
    named = {"image": "image_id", "snapshot": "snapshot_id", "volume": "source_volume_id"}
    return creating.create(
        call.actor,
        Wanted(
            size=values["size"],
            name=values["name"],
            description=values["description"] or None,
            type=values["type"] or None,
            metadata=values["metadata"],
            **({named[kind]: id} if kind else {}),
        ),
    )


CREATE = FormDialog(
    panel="volumes",
    title=gettext_lazy("Create volume"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    initial=asked_for,
    choices={"source": sources, "type": types_offered},
    places=((BadVolumeSize, "size"),),
    do=create,
    next=to_made("volume"),
)

# ── Change ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class EditForm(Styled):
    name = Name()
    description = Description()


class ExtendForm(Styled):
    size = gib()


class UploadForm(Styled):
    name = Name()


EDIT = FormDialog(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Edit volume"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    do=lambda call, values: services.update(call.actor, call.id, **values),
)
EXTEND = FormDialog(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Extend volume"),
    submit=gettext_lazy("Extend"),
    form=ExtendForm,
    initial=lambda call: {"size": call.row.size + 1},
    hint=gettext_lazy("A volume never shrinks. The file system in it is yours to grow."),
    places=((BadVolumeSize, "size"),),
    do=lambda call, values: services.extend(call.actor, call.id, size=values["size"]),
)
UPLOAD = FormDialog(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Upload to image"),
    submit=gettext_lazy("Upload"),
    form=UploadForm,
    initial=lambda call: {"name": str(call.row)},
    do=lambda call, values: services.upload(call.actor, call.id, image_name=values["name"])[1],
    next=to_made("image"),
)
DELETE = Removal(
    panel="volumes",
    find=services.find,
    text=gettext_lazy("What is in it is gone then."),
    one=gettext_lazy("Delete the volume"),
    bulk=gettext_lazy("Delete the volumes"),
    remove=lambda call, id: services.delete(call.actor, id),
    route="volumes",
)

# ── Attach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class AttachForm(Styled):
    server = forms.ChoiceField(label=gettext_lazy("Instance"))


def servers_offered(call: Call) -> list[tuple[str, Text]]:
    reaching = exports.hosts_reaching(call.row)
    rows = Server.objects.living().filter(project_id=call.actor.project_id or "", host__in=reaching)
    return choices(rows.order_by("name")[:MOST])


ATTACH = FormDialog(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Attach to an instance"),
    submit=gettext_lazy("Attach"),
    form=AttachForm,
    choices={"server": servers_offered},
    hint=gettext_lazy("Offered are instances on hosts that can reach the volume."),
    do=lambda call, values: server_volumes.attach_volume(call.actor, server_id=values["server"], volume_id=call.id),
)


def detach(call: Call) -> None:
    found = Attachment.objects.filter(volume=call.row).first()
    if found is not None:
        server_volumes.detach_volume(call.actor, server_id=found.server_id, volume_id=call.id)


DETACH = Confirm(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Detach this volume?"),
    submit=gettext_lazy("Detach the volume"),
    text=gettext_lazy("Unmount it in the instance first: what was not written yet is lost else."),
    do=detach,
)

# ── Snapshots ───────────────────────────────────────────────────────────────────────────────────────────────────────

SNAPSHOT = FormDialog(
    panel="volumes",
    find=services.find,
    title=gettext_lazy("Create snapshot"),
    submit=gettext_lazy("Create"),
    form=EditForm,
    do=lambda call, values: snapshots.create(call.actor, volume_id=call.id, **values),
    next=to_made("volume-snapshot"),
)
SNAPSHOT_EDIT = FormDialog(
    panel="volume-snapshots",
    find=snapshots.find,
    title=gettext_lazy("Edit snapshot"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    do=lambda call, values: snapshots.update(call.actor, call.id, **values),
)
REVERT = Confirm(
    panel="volume-snapshots",
    find=snapshots.find,
    title=gettext_lazy("Take the volume back to this snapshot?"),
    submit=gettext_lazy("Take it back"),
    text=gettext_lazy("All that was written to the volume since is gone then."),
    do=lambda call: snapshots.revert(call.actor, volume_id=call.row.volume_id, snapshot_id=call.id),
    next=lambda call, made: reverse("volume", args=[call.row.volume_id]),
)
SNAPSHOT_DELETE = Removal(
    panel="volume-snapshots",
    find=snapshots.find,
    text=gettext_lazy("The volume stays as it is."),
    one=gettext_lazy("Delete the snapshot"),
    bulk=gettext_lazy("Delete the snapshots"),
    remove=lambda call, id: snapshots.delete(call.actor, id),
    route="volume-snapshots",
)
