"""OpenAPI 3.1 for every route, and a page to read it, with no file from outside."""

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views import View


def document() -> dict[str, object]:
    """Build the whole document, made anew: some seconds of CPU."""
    from drf_spectacular.generators import SchemaGenerator  # a third of a second, and only this needs it

    with translation.override("en"):
        generator: Any = SchemaGenerator
        made: dict[str, object] = generator().get_schema(request=None, public=True)
    return made


@cache
def _bytes() -> bytes:
    """The document as JSON, made once for this state of the source and kept in the data folder."""
    kept = settings.DATA / "cache" / "web" / "openapi.json"
    state = _state_of_source()
    if kept.exists():
        head, _, text = kept.read_bytes().partition(b"\n")
        if head.decode() == state:
            return text
    text = orjson.dumps(document(), default=str)
    if kept.parent.is_dir():
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_bytes(state.encode() + b"\n" + text)
        new.replace(kept)
    return text


def _state_of_source() -> str:
    """Changes whenever a file of the applications does."""
    found = hashlib.sha256()
    for app in sorted(path.parent for path in Path(settings.BASE_DIR).glob("*/__init__.py")):
        for path in sorted(app.rglob("*.py")):
            about = path.stat()
            found.update(f"{path}:{about.st_mtime_ns}:{about.st_size}".encode())
    return found.hexdigest()


class SchemaView(View):
    """The document as JSON. Routes do not change while a process lives."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(_bytes(), content_type="application/json")


class DocsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "openstackapi/docs.html")
