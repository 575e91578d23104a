"""One port, every route: the APIs under /api/<service>/, the agents under /internal/, the portal at /."""

from django.urls import include, path

from cloud import health
from cloud.metrics.view import metrics
from openstackapi import schema

urlpatterns = [
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("api/schema/", schema.SchemaView.as_view(), name="schema"),
    path("api/docs/", schema.DocsView.as_view(), name="docs"),
    path("api/identity/", include("identity.urls")),
    path("api/image/", include("images.urls")),
    path("api/network/", include("networking.urls")),
    path("api/compute/", include("compute.urls")),
    path("api/placement/", include("placement.urls")),
    path("internal/", include("images.internal_urls")),
    path("internal/", include("compute.internal_urls")),
    path("", include("portal.urls")),
]
handler404 = "openstackapi.faults.not_found"
handler500 = "openstackapi.faults.server_error"
