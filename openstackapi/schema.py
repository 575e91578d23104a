"""OpenAPI 3.1 for every route, and a page to read it, with no file from outside."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View
from drf_spectacular.views import SpectacularJSONAPIView


class SchemaView(SpectacularJSONAPIView):
    """The document itself, as JSON whatever the client prefers."""


class DocsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "openstackapi/docs.html")
