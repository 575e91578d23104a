"""The panels of volumes and of their snapshots."""

from django.urls import path
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from portal.ui import hits
from portal.ui.panels import Limit, Panel, Quotas, Subject, names_of, of_project
from portal.volumes import dialogs, item, listing
from volumes.quotas import SERVICE
from volumes.snapshots.models import Snapshot
from volumes.volumes.models import Volume

_BLOCK = "service/storage/block"


def _volumes(actor: RequestContext, text: str) -> hits.Found:
    rows = Volume.objects.filter(project_id=actor.project_id or "")
    own = hits.named(rows, text, "volume", "database", gettext_lazy("Volume"))
    return hits.Found(own=own, deeds=hits.new(gettext_lazy("Create volume"), "volume-create", text))


def _snapshots(actor: RequestContext, text: str) -> hits.Found:
    rows = Snapshot.objects.filter(project_id=actor.project_id or "")
    return hits.Found(own=hits.named(rows, text, "volume-snapshot", "camera", gettext_lazy("Volume snapshot")))


PANELS = (
    Panel(
        name="volumes",
        label=gettext_lazy("Volumes"),
        icon="database",
        group=gettext_lazy("Storage"),
        place=260,
        count=of_project(Volume),
        search=_volumes,
        subjects=[Subject("volume", "volume", names_of(Volume))],
        recorded={
            f"{_BLOCK}/volumes": gettext_lazy("Volume"),
            f"{_BLOCK}/types": gettext_lazy("Volume type"),
            f"{_BLOCK}/backends": gettext_lazy("Volume backend"),
        },
        quotas=[
            Quotas(
                SERVICE,
                gettext_lazy("Volumes"),
                place=35,
                read="volume_extension:quotas:show",
                write="volume_extension:quotas:update",
                limits=[
                    Limit("volumes", gettext_lazy("Volumes"), on_overview=True),
                    Limit("gigabytes", gettext_lazy("Volume space, GiB"), on_overview=True),
                    Limit("snapshots", gettext_lazy("Volume snapshots")),
                    Limit("per_volume_gigabytes", gettext_lazy("GiB of one volume")),
                ],
            )
        ],
        urls=[
            path("volumes", listing.Volumes.as_view(), name="volumes"),
            path("volumes/create", dialogs.CREATE.as_view(), name="volume-create"),
            path("volumes/delete", dialogs.DELETE.as_view(), name="volumes-delete"),
            path("volumes/<str:id>", item.VolumeItem.as_view(), name="volume"),
            path("volumes/<str:id>/edit", dialogs.EDIT.as_view(), name="volume-edit"),
            path("volumes/<str:id>/extend", dialogs.EXTEND.as_view(), name="volume-extend"),
            path("volumes/<str:id>/upload", dialogs.UPLOAD.as_view(), name="volume-upload"),
            path("volumes/<str:id>/attach", dialogs.ATTACH.as_view(), name="volume-attach"),
            path("volumes/<str:id>/detach", dialogs.DETACH.as_view(), name="volume-detach"),
            path("volumes/<str:id>/snapshot", dialogs.SNAPSHOT.as_view(), name="volume-snapshot-new"),
            path("volumes/<str:id>/delete", dialogs.DELETE.as_view(), name="volume-delete"),
            path("volumes/<str:id>/<str:tab>", item.VolumeItem.as_view(), name="volume-tab"),
        ],
    ),
    Panel(
        name="volume-snapshots",
        label=gettext_lazy("Volume snapshots"),
        icon="camera",
        group=gettext_lazy("Storage"),
        place=265,
        count=of_project(Snapshot),
        search=_snapshots,
        subjects=[Subject("volume_snapshot", "volume-snapshot", names_of(Snapshot))],
        recorded={f"{_BLOCK}/snapshots": gettext_lazy("Volume snapshot")},
        urls=[
            path("volume-snapshots", listing.Snapshots.as_view(), name="volume-snapshots"),
            path("volume-snapshots/delete", dialogs.SNAPSHOT_DELETE.as_view(), name="volume-snapshots-delete"),
            path("volume-snapshots/<str:id>", item.SnapshotItem.as_view(), name="volume-snapshot"),
            path("volume-snapshots/<str:id>/edit", dialogs.SNAPSHOT_EDIT.as_view(), name="volume-snapshot-edit"),
            path("volume-snapshots/<str:id>/revert", dialogs.REVERT.as_view(), name="volume-snapshot-revert"),
            path("volume-snapshots/<str:id>/delete", dialogs.SNAPSHOT_DELETE.as_view(), name="volume-snapshot-delete"),
        ],
    ),
)
