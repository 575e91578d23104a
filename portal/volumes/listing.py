"""The lists of volumes and of their snapshots."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.models import Server
from portal.ui import Text
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.status import Status
from portal.ui.tables import Bulk, Cell, Column, Filter, attr
from portal.volumes import status
from volumes.attachments.models import Attachment
from volumes.snapshots.models import Snapshot
from volumes.types.models import VolumeType
from volumes.types.services import DEFAULT
from volumes.volumes.models import Volume


def size(row: Volume | Snapshot) -> Cell:
    return Cell("text", _("%(size)s GiB") % {"size": row.size})


def type_word(kind: VolumeType) -> Text:
    """Return what people read for a type."""
    return _("Default") if kind.name == DEFAULT else kind.name


def type_name(row: Volume) -> Cell:
    return Cell("text", type_word(row.type) if row.type else "")


def with_servers(rows: QuerySet[Volume]) -> QuerySet[Volume]:
    """Add to each volume what `attached_to` shows, in the same query."""
    held = Attachment.objects.filter(volume=OuterRef("pk")).order_by("created_at")
    server = Server.objects.filter(pk=OuterRef("server_id")).values("name")[:1]
    return rows.annotate(
        server_id=Subquery(held.values("server_id")[:1]),
        server_name=Subquery(held.annotate(name=Subquery(server)).values("name")[:1]),
        device=Subquery(held.values("device")[:1]),
    )


def attached_to(row: Any) -> Cell:
    """Link the instance that has a volume of `with_servers`."""
    if row.server_id is None:
        return Cell("muted", "")
    return Cell("link", f"{row.server_name} ({row.device})", reverse("instance", args=[row.server_id]))


class Volumes(ListPanel):
    panel, kind, route = "volumes", "volume", "volume"
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.of(row))),
        Column(gettext_lazy("Size"), "n", sort="size", cell=size),
        Column(gettext_lazy("Attached to"), cell=attached_to),
        Column(gettext_lazy("Type"), hide="m", cell=type_name),
        Column(gettext_lazy("Bootable"), hide="l", cell=attr("yes", "bootable")),
        Column(gettext_lazy("Description"), hide="l", cell=attr("text", "description")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("name", gettext_lazy("Name")),
        Filter("status", gettext_lazy("Status"), choices=[(api, word) for api, (_kind, word) in status.STATES.items()]),
    )
    new = New(gettext_lazy("Create volume"), "volume-create", "volume:create")
    empty = Empty(
        gettext_lazy("No volumes yet"),
        gettext_lazy("A volume is a disk that outlives the instance it is attached to."),
        "openstack volume create --size 1 data",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("volumes-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Volume]:
        rows = Volume.objects.filter(project_id=actor.project_id or "")
        return with_servers(rows.select_related("type"))

    def status(self, one: Volume) -> Status:
        return status.of(one)


class Snapshots(ListPanel):
    panel, kind, route = "volume-snapshots", "volume_snapshot", "volume-snapshot"
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.of(row))),
        Column(gettext_lazy("Size"), "n", sort="size", cell=size),
        Column(
            gettext_lazy("Volume"),
            cell=lambda row: Cell("link", str(row.volume), reverse("volume", args=[row.volume_id])),
        ),
        Column(gettext_lazy("Description"), hide="l", cell=attr("text", "description")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters: ClassVar[Sequence[Filter]] = (Filter("name", gettext_lazy("Name")),)
    empty = Empty(
        gettext_lazy("No volume snapshots yet"),
        gettext_lazy("A snapshot is a volume as it was. Volumes are made of it, and its volume goes back to it."),
        "openstack volume snapshot create --volume data before",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("volume-snapshots-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[Snapshot]:
        return Snapshot.objects.filter(project_id=actor.project_id or "").select_related("volume")

    def status(self, one: Snapshot) -> Status:
        return status.of(one)
