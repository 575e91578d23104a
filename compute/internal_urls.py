"""Routes that only agents use, under /internal/. Each request is signed with a host's key."""

from django.urls import path

from compute.consoles.api import append_log
from compute.metadata.api import metadata

urlpatterns = [
    path("servers/<str:server_id>/log", append_log),
    path("metadata", metadata),
    path("metadata/", metadata),
    path("metadata/<path:path>", metadata),
]
