"""The panel of images."""

from django.urls import path
from django.utils.translation import gettext_lazy

from images.images.models import Image
from portal.images import views
from portal.ui.panels import Limit, Panel, Quotas, Subject, names_of

PANELS = (
    Panel(
        name="images",
        label=gettext_lazy("Images"),
        icon="disc",
        group=gettext_lazy("Compute"),
        place=220,
        key="m",
        count=lambda actor: Image.objects.listed_for(actor, visibility=None, member_status="accepted").count(),
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
            path("images", views.Images.as_view(), name="images"),
            path("images/create", views.Create.as_view(), name="image-create"),
            path("images/<str:id>", views.ImageItem.as_view(), name="image"),
            path("images/<str:id>/edit", views.EDIT.as_view(), name="image-edit"),
            path("images/<str:id>/delete", views.DELETE.as_view(), name="image-delete"),
            path("images/<str:id>/switch/<str:verb>", views.SWITCH.as_view(), name="image-switch"),
        ],
    ),
)
