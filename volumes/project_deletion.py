"""Rows of a project in the volume service, and how they go with the project."""

from django.db.models import QuerySet
from django.utils.translation import ngettext_lazy

from authorization.context import RequestContext
from identity.projects import owned
from operations.starting import run
from volumes.attachments.models import Attachment
from volumes.snapshots.models import Snapshot
from volumes.types.models import TypeAccess
from volumes.volumes import flows
from volumes.volumes.models import Volume


def _volumes(project_id: str) -> QuerySet[Volume]:
    return Volume.objects.filter(project_id=project_id).order_by("created_at")


def _snapshots(project_id: str) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(project_id=project_id).order_by("created_at")


def _remove_volumes(project_id: str) -> None:
    actor = RequestContext.internal("project deletion", project_id=project_id)
    for volume in _volumes(project_id).select_for_update():
        if volume.why_not("purge") is None:
            run(actor, volume, "purge", flows.DELETE)


def register() -> None:
    owned.register(
        owned.Owned(
            order=20,
            label=ngettext_lazy("%(count)s volume snapshot", "%(count)s volume snapshots", "count"),
            rows=_snapshots,
            remove=lambda project: None,  # with their volumes
            models=(Snapshot,),
        ),
        owned.Owned(
            order=30,
            label=ngettext_lazy("%(count)s volume", "%(count)s volumes", "count"),
            rows=_volumes,
            remove=_remove_volumes,
            models=(Volume,),
        ),
    )
    owned.aside(Attachment, "they go when their server lets go of the volume")
    owned.aside(TypeAccess, "words of operators about types", remove=_forget_access)


def _forget_access(project_id: str) -> None:
    TypeAccess.objects.filter(project_id=project_id).delete()
