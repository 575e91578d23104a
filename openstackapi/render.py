"""Rendering of answers and faults: the renderers, chosen by service and `Accept`.

Most services speak JSON whatever is asked for; a browser that has no token sees DRF's page. A service that offers other forms says
so (openstackapi.services).
"""

import json
from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest
from django.utils.html import escape
from django.utils.module_loading import import_string
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer

from openstackapi import services
from openstackapi.envelopes import Fault

HTML, JSON = "text/html", "application/json"
#: A body that says null, where a service's clients read one.
NULL = orjson.Fragment("null")


def dumps(data: object, option: int = 0) -> bytes:
    """JSON with whole numbers of any size, as Python's own writer has them: orjson ends at 64 bits."""
    try:
        return orjson.dumps(data, option=option | orjson.OPT_NON_STR_KEYS, default=str)
    except orjson.JSONEncodeError:
        indent = 2 if option & orjson.OPT_INDENT_2 else None
        return json.dumps(data, default=_plain, ensure_ascii=False, indent=indent).encode()


def _plain(value: object) -> object:
    return orjson.loads(orjson.dumps(value, default=str))


class JSONParser(BaseParser):
    media_type = JSON

    def parse(self, stream: Any, media_type: str | None = None, parser_context: object = None) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}") from error


class JSONRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None
    render_style = "binary"

    def render(self, data: object, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        return b"" if data is None else dumps(_shown(data))


def _shown(data: object) -> object:
    return services.fault_body(data) if isinstance(data, Fault) else data


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's page without its forms: bodies are OpenStack's and are described at /api/docs/."""

    def get_default_renderer(self, view: object) -> BaseRenderer:
        return PrettyRenderer()

    def show_form_for_method(self, view: object, method: str, request: object, obj: object) -> bool:
        return False

    def get_rendered_html_form(self, data: object, view: object, method: str, request: object) -> None:
        return None

    def get_raw_data_form(self, data: object, view: object, method: str, request: object) -> None:
        return None

    def get_filter_form(self, data: object, view: object, request: object) -> None:
        return None


class PrettyRenderer(JSONRenderer):
    """Indented JSON for people to read. It counts as text: of a "binary" answer DRF's page shows the size alone."""

    render_style = "text"

    def render(self, data: object, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        return b"" if data is None else dumps(_shown(data), orjson.OPT_INDENT_2)


#: A fault as webob writes it where JSON is not asked for. Glance's clients read it line by line.
_PAGE = """<html>
 <head>
  <title>{fault.status} {fault.title}</title>
 </head>
 <body>
  <h1>{fault.status} {fault.title}</h1>
  {message}<br /><br />
 </body>
</html>
"""


class FaultPage(BaseRenderer):
    """A fault as HTML, as webob writes it."""

    media_type, format, charset = HTML, "html", "UTF-8"

    def render(self, data: Fault, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        return _PAGE.format(fault=data, message=escape(data.message)).encode()


class FaultText(BaseRenderer):
    """A fault as plain text, as webob writes it."""

    media_type, format, charset = "text/plain", "txt", "UTF-8"

    def render(self, data: Fault, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        return f"{data.status} {data.title}\n\n{data.message}\n\n   ".encode()


# ── By service and Accept ───────────────────────────────────────────────────────────────────────────────────────────


_PLAIN = services.Service(type="", name="", path="", about="", urls="")


def _service(type: str) -> services.Service:
    """The service of a type; for what is none, one that says nothing of its own."""
    return services.find(type) or _PLAIN


@cache
def _renderers(offer: services.Offer) -> tuple[type[BaseRenderer], ...]:
    """The renderers of an offer, the one where Accept takes none of them last."""
    return tuple(import_string(name) for name in (*offer.renderers, offer.otherwise))


def _chosen(offer: services.Offer, request: HttpRequest) -> type[BaseRenderer]:
    """The renderer that a request's Accept prefers; where only one is offered, Accept is not asked."""
    *offered, otherwise = _renderers(offer)
    if len(offered) == 1:
        return offered[0]
    wanted = request.get_preferred_type([one.media_type for one in offered])
    return next((one for one in offered if one.media_type == wanted), otherwise)


def media_types(offer: services.Offer) -> list[str]:
    """List the media types of an offer, each once."""
    return list(dict.fromkeys(one.media_type for one in _renderers(offer)))


def fault_types(service: str) -> list[str]:
    """List the media types in which a service tells faults."""
    return media_types(_service(service).faults)


def for_answer(service: str, request: HttpRequest) -> BaseRenderer:
    """Return the renderer of a view's answer: DRF's page for a browser, unless the service has HTML of its own."""
    return _page_or(_service(service).answers, request)


def for_fault(service: str, request: HttpRequest, *, in_view: bool) -> BaseRenderer:
    """Return the renderer of a fault. DRF's page needs a view, so outside of one a browser too gets what the service offers."""
    offer = _service(service).faults
    return _page_or(offer, request) if in_view else _chosen(offer, request)()


def _page_or(offer: services.Offer, request: HttpRequest) -> BaseRenderer:
    is_browser = HTML in request.META.get("HTTP_ACCEPT", "") and "HTTP_X_AUTH_TOKEN" not in request.META
    return BrowsableRenderer() if is_browser and HTML not in media_types(offer) else _chosen(offer, request)()
