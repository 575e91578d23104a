"""Only the image service's routes: its tests need no other app's."""

from django.urls import include, path

urlpatterns = [
    path("api/image/", include("images.urls")),
    path("internal/", include("images.internal_urls")),
]
handler404 = "openstackapi.faults.not_found"
