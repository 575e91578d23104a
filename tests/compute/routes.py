"""The routes that compute's tests ask, without those of the portal."""

from django.urls import include, path

urlpatterns = [
    path("api/compute/", include("compute.urls")),
    path("api/placement/", include("placement.urls")),
    path("internal/", include("images.internal_urls")),
    path("internal/", include("compute.internal_urls")),
]
handler404 = "openstackapi.faults.not_found"
