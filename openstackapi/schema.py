"""OpenAPI 3.1 for every route, and a page to read it, with no file from outside."""

from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views import View
from drf_spectacular.generators import SchemaGenerator


def document() -> dict[str, Any]:
    """The whole document, made anew."""
    with translation.override("en"):
        made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


@cache
def _bytes() -> bytes:
    return orjson.dumps(document(), default=str)


class SchemaView(View):
    """The document as JSON. Routes do not change while a process lives, so it is made once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(_bytes(), content_type="application/json")


class DocsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "openstackapi/docs.html")
