"""The routes of the bytes process: images' bytes in and out, and what agents ask below /internal/."""

from django.urls import include, path

from images.images import data_api

_IMAGE = "api/image/v2/images/<str:image_id>"

urlpatterns = [
    path(f"{_IMAGE}/file", data_api.ImageFile.as_view()),
    path(f"{_IMAGE}/stage", data_api.ImageStage.as_view()),
    path("internal/", include("images.internal_urls")),
    path("internal/", include("compute.internal_urls")),
]
handler404 = "openstackapi.faults.not_found"
handler500 = "openstackapi.faults.server_error"
