"""One port, every route: the APIs under /api/<service>/, the agents under /internal/, the portal at /."""

from django.urls import include, path

from cloud import health
from cloud.metrics.view import metrics
from openstackapi import schema, services

urlpatterns = [
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("api/schema/", schema.SchemaView.as_view(), name="schema"),
    path("api/docs/", schema.DocsView.as_view(), name="docs"),
    *(path(f"api/{service.type}/", include(urls)) for service in services.every() for urls in services.routes(service)),
    *(path("internal/", include(service.internal_urls)) for service in services.every() if service.internal_urls),
    path("", include("portal.urls")),
]
handler404 = "portal.session.views.not_found"
handler500 = "openstackapi.faults.server_error"
