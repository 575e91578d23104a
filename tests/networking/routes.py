"""The network service alone, so that its tests need no other app's pages."""

from django.urls import include, path

urlpatterns = [path("api/network/", include("networking.urls"))]
handler404 = "openstackapi.faults.not_found"
handler500 = "openstackapi.faults.server_error"
