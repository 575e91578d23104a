"""The panels of images: a project's, and every project's."""

from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.prepared import PreparedCount
from images.images.models import Image
from portal.images import create, dialogs, gallery, item, listing
from portal.ui.hits import Found, Hit, named, says
from portal.ui.panels import Limit, Panel, Quotas, Subject, names_of
from sharing import received

NEW_IMAGE, GALLERY = gettext_lazy("Create image"), gettext_lazy("Image gallery")


_of_project = PreparedCount(lambda project: Image.objects.of_pages_of(project))


def _count(actor: RequestContext) -> int:
    """Count the images of the actor's pages."""
    if received.has_any(actor, "image"):
        return Image.objects.of_pages(actor).count()
    return _of_project(actor.project_id or "")


def _images(actor: RequestContext, text: str) -> Found:
    """Find images and snapshots by name or by the start of their id."""
    found = named(Image.objects.of_pages(actor), text, "image", "disc", gettext_lazy("Image"))
    create = Hit(NEW_IMAGE, reverse("image-create"), "plus", action="create")
    add = Hit(GALLERY, reverse("image-gallery"), "box", action="gallery")
    return Found(also=found, deeds=[hit for hit in (create, add) if text and says(hit.label, text)])


def _everywhere(actor: RequestContext, text: str) -> Found:
    """Find images of other projects, for operators."""
    rows = Image.objects.exclude(project_id=actor.project_id or "").exclude(visibility="public")
    return Found(also=named(rows, text, "image", "disc", gettext_lazy("All images")))


PANELS = (
    Panel(
        name="images",
        label=gettext_lazy("Images"),
        icon="disc",
        group=gettext_lazy("Compute"),
        place=220,
        key="m",
        count=_count,
        search=_images,
        subjects=[Subject("image", "image", names_of(Image))],
        quotas=[
            Quotas(
                "image",
                gettext_lazy("Images"),
                place=30,
                read="identity:get_project",
                write="identity:update_limit",
                limits=[
                    Limit("image_count_total", gettext_lazy("Images"), on_overview=True),
                    Limit("image_size_total", gettext_lazy("Image space"), is_mib=True, on_overview=True),
                    Limit("image_count_uploading", gettext_lazy("Images being uploaded")),
                ],
            )
        ],
        urls=[
            path("images", listing.Images.as_view(), name="images"),
            path("images/snapshots", listing.Snapshots.as_view(), name="images-snapshots"),
            path("images/shared", listing.Shared.as_view(), name="images-shared"),
            path("images/create", create.Create.as_view(), name="image-create"),
            path("images/gallery", gallery.Gallery.as_view(), name="image-gallery"),
            path("images/gallery/<str:id>/add", gallery.ADD.as_view(), name="image-gallery-add"),
            path("images/delete", dialogs.DELETE.as_view(), name="images-delete"),
            path("images/<str:id>", item.ImageItem.as_view(), name="image"),
            path("images/<str:id>/edit", dialogs.EDIT.as_view(), name="image-edit"),
            path("images/<str:id>/metadata", dialogs.METADATA.as_view(), name="image-metadata"),
            path("images/<str:id>/import", dialogs.IMPORT.as_view(), name="image-import"),
            path("images/<str:id>/delete", dialogs.DELETE.as_view(), name="image-delete"),
            path("images/<str:id>/switch/<str:verb>", dialogs.SWITCH.as_view(), name="image-switch"),
            path("images/<str:id>/answer/<str:answer>", dialogs.ANSWER.as_view(), name="image-answer"),
            path("images/<str:id>/members/add", dialogs.ADD_MEMBER.as_view(), name="image-member-add"),
            path("images/<str:id>/members/<str:member>/menu", dialogs.MEMBER_MENU.as_view(), name="image-member-menu"),
            path(
                "images/<str:id>/members/<str:member>/remove",
                dialogs.REMOVE_MEMBER.as_view(),
                name="image-member-remove",
            ),
            path("images/<str:id>/<str:tab>", item.ImageItem.as_view(), name="image-tab"),
        ],
    ),
    Panel(
        name="all-images",
        label=gettext_lazy("All images"),
        icon="disc",
        group=gettext_lazy("Administration"),
        place=545,
        rule="admin",
        search=_everywhere,
        urls=[path("all-images", listing.AllImages.as_view(), name="all-images")],
    ),
)
