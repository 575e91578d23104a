"""JSON in and out, and DRF's browsable page for a browser."""

import json
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer


def dumps(data: Any, option: int = 0) -> bytes:
    """JSON with whole numbers of any size, as Python's own writer has them: orjson ends at 64 bits."""
    try:
        return orjson.dumps(data, option=option | orjson.OPT_NON_STR_KEYS, default=str)
    except orjson.JSONEncodeError:
        indent = 2 if option & orjson.OPT_INDENT_2 else None
        return json.dumps(data, default=_plain, ensure_ascii=False, indent=indent).encode()


def _plain(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value, default=str))


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else dumps(data)


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's page without its forms: bodies are OpenStack's and are described at /api/docs/."""

    def get_default_renderer(self, view: Any) -> BaseRenderer:
        return PrettyRenderer()

    def show_form_for_method(self, view: Any, method: str, request: Any, obj: Any) -> bool:
        return False

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Any) -> None:
        return None

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> None:
        return None

    def get_filter_form(self, data: Any, view: Any, request: Any) -> None:
        return None


class PrettyRenderer(JSONRenderer):
    """For people to read; DRF's page shows nothing of a "binary" answer but its size."""

    render_style = "text"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else dumps(data, orjson.OPT_INDENT_2)


class JSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
