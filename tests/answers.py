"""Every answer that a view gives in a process of the tests is held against what the view declares (openstackapi.shapes)."""

from dataclasses import dataclass
from typing import Any

import fastjsonschema
import orjson
import pytest

from openstackapi.bodies import FORMATS, Check
from openstackapi.envelopes import Fault
from openstackapi.fields import Version
from openstackapi.render import JSON
from openstackapi.shapes import Answers, AnyOf, Media, json_schema, present


class NotAsDeclared(AssertionError):
    """An answer is not what its view says."""


def pytest_sessionstart(session: pytest.Session) -> None:
    from openstackapi.views import ServiceView

    finalize = ServiceView.finalize_response

    def finalized(view: Any, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = finalize(view, request, response, *args, **kwargs)
        method = request.method.lower()
        if method in ("get", "post", "put", "patch", "delete") and hasattr(view, method):
            if hasattr(response, "add_post_render_callback"):
                if not isinstance(response.data, Fault):
                    response.add_post_render_callback(lambda found: hold(view, method, found, found.content))
            else:
                hold(view, method, response, None if response.streaming else response.content)
        return response

    ServiceView.finalize_response = finalized  # type: ignore[method-assign]


def hold(view: Any, method: str, response: Any, content: bytes | None) -> None:
    """Hold an answer against its declaration; of one that streams, the status and the medium. Raises: NotAsDeclared."""
    where = f"{type(view).__qualname__}.{method} of {type(view).__module__} in {view.version}: {response.status_code}"
    said = _said(view.answers_to(method), view.version).get(response.status_code)
    if said is None:
        raise NotAsDeclared(f"{where} is not declared")
    if content == b"" and None in said.options:
        return
    media = response.get("Content-Type", "").partition(";")[0]
    if media == JSON and content is not None:
        if said.check is None:
            raise NotAsDeclared(f"{where} has content, and none is declared: {content[:200]!r}")
        try:
            said.check(orjson.loads(content or b"null"))
        except fastjsonschema.JsonSchemaValueException as error:
            raise NotAsDeclared(f"{where}: {error.message}; it is {str(error.value)[:300]}") from None
    elif media not in said.media:
        raise NotAsDeclared(f"{where} is {media!r}, and {said.media or 'JSON'} is declared")


@dataclass(frozen=True)
class _Said:
    """What is declared of one status."""

    options: tuple[object, ...]
    media: frozenset[str]
    check: Check | None


_known: dict[tuple[int, Version], tuple[Answers, dict[object, _Said]]] = {}


def _said(answers: Answers, version: Version) -> dict[object, _Said]:
    """By status: compiled once for each declaration and version."""
    known = _known.get((id(answers), version))
    if known is None:
        found = {status: _compiled(shape, version) for status, shape in present(answers, version)}
        known = _known[id(answers), version] = (answers, found)
    return known[1]


def _compiled(shape: object, version: Version) -> _Said:
    options = shape.shapes if isinstance(shape, AnyOf) else (shape,)
    media = frozenset(one.type for one in options if isinstance(one, Media))
    shown = [one for one in options if one is not None and not isinstance(one, Media)]
    if not shown:
        return _Said(options, media, None)
    schema = json_schema(shown[0] if len(shown) == 1 else AnyOf(*shown), version, closed=True)
    # A browser is shown the same as a page.
    return _Said(options, media | {"text/html"}, fastjsonschema.compile(schema, use_default=False, formats=FORMATS))
