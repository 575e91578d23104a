"""Shapes as JSON Schemas, and that each view is held to the shapes that it declares."""

from typing import Any

import orjson
import pytest
from django.http import HttpResponse

from openstackapi.fields import Field, Fields
from openstackapi.shapes import Answers, AnyOf, Json, Media, Versioned, With, json_schema
from openstackapi.versioned import ByVersion
from openstackapi.views import ServiceView
from tests.answers import NotAsDeclared, hold

THING = Fields("thing", [Field("id"), Field("size", type="integer", null=True), Field("new", since=(1, 5))])


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (str, {"type": "string"}),
        (int | None, {"type": ["integer", "null"]}),
        (object, {}),
        ([str], {"type": "array", "items": {"type": "string"}}),
        ({str: int}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Json({"enum": [1]}), {"enum": [1]}),
        (AnyOf([str], None), {"type": ["array", "null"], "items": {"type": "string"}}),
        (AnyOf(str, {"a": str}), {"anyOf": [json_schema(str), json_schema({"a": str})]}),
        (
            {"id": str, "more?": bool},
            {
                "type": "object",
                "properties": {"id": {"type": "string"}, "more": {"type": "boolean"}},
                "required": ["id"],
            },
        ),
    ],
)
def test_a_shape_is_a_json_schema(shape: object, schema: object) -> None:
    assert json_schema(shape) == schema


def test_what_is_no_shape_is_refused() -> None:
    for wrong in ("text", 1, {"a": {"b": "text"}}, [str, int], set):
        with pytest.raises(TypeError):
            json_schema(wrong)


def test_a_version_has_its_names_alone() -> None:
    shape = With(THING, {"links": Versioned([str], since=(1, 3)), "old": Versioned(bool, until=(1, 2))})
    assert list(json_schema(shape, (1, 1))["properties"]) == ["id", "size", "old"]
    assert list(json_schema(shape, (1, 5))["properties"]) == ["id", "size", "new", "links"]
    assert json_schema(ByVersion({(1, 0): str, (1, 2): int}), (1, 3)) == {"type": "integer"}


def test_closed_it_takes_no_other_name_at_any_depth() -> None:
    shape = {"things": [With(THING, {"inside": {"a": str}})], "any": {str: {"a": str}}}
    schema = json_schema(shape, closed=True)
    thing = schema["properties"]["things"]["items"]
    assert schema["additionalProperties"] is thing["additionalProperties"] is False
    assert thing["properties"]["inside"]["additionalProperties"] is False
    assert schema["properties"]["any"]["additionalProperties"]["additionalProperties"] is False


class Things(ServiceView):
    version = (1, 5)
    answers = {
        "get": {200: {"things": [THING]}, 206: Media()},
        "post": {201: Versioned({"thing": THING}, since=(1, 5)), 202: AnyOf({"id": str}, None)},
    }


class Others(Things):
    answers = {"post": {201: {"other": str}}}


def answered(status: int, data: object = None, media: str = "application/json") -> HttpResponse:
    return HttpResponse(b"" if data is None else orjson.dumps(data), status=status, content_type=media)


def held(view: type[ServiceView], method: str, response: HttpResponse) -> None:
    """Hold an answer as the tests' hook does, rendered."""
    made = view()
    hold(made, method, response, response.content)


@pytest.mark.parametrize(
    ("method", "status", "data"),
    [
        ("get", 200, {"things": [{"id": "a", "size": None, "new": "b"}]}),
        ("post", 201, {"thing": {"id": "a"}}),
        ("post", 202, {"id": "a"}),
        ("post", 202, None),
        ("delete", 204, None),
    ],
)
def test_an_answer_as_declared_is_taken(method: str, status: int, data: object) -> None:
    held(Things, method, answered(status, data))


@pytest.mark.parametrize(
    ("method", "status", "data"),
    [
        ("get", 201, {"things": []}),  # another status
        ("get", 200, {}),  # a name is missing
        ("get", 200, {"things": [], "more": 1}),  # a name is too many
        ("get", 200, {"things": [{"id": "a", "odd": "b"}]}),  # and inside of a resource
        ("get", 200, {"things": [{"id": 1}]}),  # another type
        ("get", 200, None),  # nothing at all
        ("delete", 204, {}),  # something for nothing
    ],
)
def test_an_answer_otherwise_fails_the_test(method: str, status: int, data: object) -> None:
    with pytest.raises(NotAsDeclared):
        held(Things, method, answered(status, data))


def test_another_medium_fails_the_test() -> None:
    held(Things, "get", answered(206, "data", "application/octet-stream"))
    with pytest.raises(NotAsDeclared):
        held(Things, "get", answered(200, "data", "application/octet-stream"))


def test_a_class_says_what_differs_from_its_base() -> None:
    assert Others.answers_to("get") is Things.answers["get"]
    assert Others.answers_to("post") == {201: {"other": str}}
    with pytest.raises(LookupError):
        Others.answers_to("put")


def test_the_hook_is_on(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    """A view that answers otherwise than it says fails whoever asks it, in every test of this process."""
    from placement.api import Versions

    wrong: dict[str, Answers] = {"get": {200: {"versions": str}}}
    assert client.get("/api/placement/").status_code == 200
    monkeypatch.setattr(Versions, "answers", wrong)
    with pytest.raises(NotAsDeclared):
        client.get("/api/placement/")
