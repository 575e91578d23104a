"""Rows of a project in the image service, and how they go with the project."""

from django.db.models import QuerySet
from django.utils.translation import ngettext_lazy

from identity.projects import owned
from images.images import services
from images.images.models import Image
from images.metadefs.models import Namespace
from images.tasks.models import Task


def register() -> None:
    owned.register(
        owned.Owned(
            order=50,
            label=ngettext_lazy("%(count)s image", "%(count)s images", "count"),
            rows=_images,
            remove=services.remove_all_of,
            models=(Image,),
            protected=lambda project: [image.name or image.pk for image in _images(project).filter(protected=True)],
        ),
        owned.Owned(
            order=60,
            label=ngettext_lazy("%(count)s metadata namespace", "%(count)s metadata namespaces", "count"),
            rows=_namespaces,
            remove=_delete_namespaces,
            models=(Namespace,),
            name="namespace",
            protected=lambda project: list(_namespaces(project).filter(protected=True).values_list("pk", flat=True)),
        ),
    )
    owned.aside(Task, "imports under way and of late: they end with their image, and are forgotten after two days")


def _images(project_id: str) -> QuerySet[Image]:
    return Image.objects.filter(project_id=project_id).order_by("created_at")


def _namespaces(project_id: str) -> QuerySet[Namespace]:
    return Namespace.objects.filter(project_id=project_id).order_by("created_at")


def _delete_namespaces(project_id: str) -> None:
    _namespaces(project_id).delete()
