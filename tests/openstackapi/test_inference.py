"""What is read from a view's source, on views made for it."""

from typing import Any

import pytest

from authorization.context import RequestContext
from openstackapi.fields import Field, Fields
from openstackapi.inference.reader import Reader
from openstackapi.views import Response, ServiceView

THING = Fields("thing", [Field("id"), Field("size", type="integer", null=True), Field("new", since=(1, 5))])
SIZES = {"small": 1, "large": 2}


def _described(actor: RequestContext, *, long: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"who": actor.user_name, "admin": actor.is_admin}
    if long:
        shown["roles"] = sorted(actor.roles)
    return shown


class Things(ServiceView):
    def get(self, request: Any) -> Response:
        wanted = request.GET.get("name")
        if "size" in request.GET:
            return Response({"sizes": [size for size in SIZES.values() if wanted]})
        return self.answer_list("things", THING, [])

    def post(self, request: Any) -> Response:
        self.body(THING.create_schema())
        return self.answer("thing", THING, {}, status=201)

    def put(self, request: Any) -> Response:
        return Response(_described(self.actor, long=self.actor.is_admin), status=202)

    def patch(self, request: Any) -> Response:
        if self.version >= (1, 5):
            return Response({"new": True})
        return Response({"old": True})

    def delete(self, request: Any) -> Response:
        response = Response(status=204)
        response["Location"] = "/"
        return response


def read(verb: str, version: tuple[int, int] = (1, 5)) -> tuple[Reader, Any]:
    view = Things()
    view.version = version
    reader = Reader(view, verb, version)
    return reader, reader.read()


def test_every_answer_and_every_question() -> None:
    reader, answers = read("get")
    assert set(reader.queries) == {"name", "size"}
    shown = {name: schema for answer in answers for name, schema in answer.schema["properties"].items()}
    assert shown["sizes"] == {"type": "array", "items": {"type": "integer"}}
    item = shown["things"]["items"]["properties"]
    assert item == {"id": {"type": "string"}, "size": {"type": ["integer", "null"]}, "new": {"type": "string"}}


def test_fields_of_an_older_version() -> None:
    _reader, answers = read("get", (1, 1))
    things = next(a.schema["properties"]["things"] for a in answers if "things" in a.schema["properties"])
    assert "new" not in things["items"]["properties"]


def test_body_and_status() -> None:
    reader, (answer,) = read("post")
    assert reader.requests == [THING.create_schema()]
    assert (answer.status, list(answer.schema["properties"])) == (201, ["thing"])


def test_functions_on_the_way_are_read() -> None:
    _reader, (answer,) = read("put")
    assert answer.status == 202
    assert answer.schema["properties"]["who"] == {"type": "string"}
    assert answer.schema["properties"]["admin"] == {"type": "boolean"}
    assert answer.schema["properties"]["roles"] == {"type": "array", "items": {"type": "string"}}
    assert answer.schema["required"] == ["admin", "who"]  # roles only sometimes


@pytest.mark.parametrize(("version", "name"), [((1, 5), "new"), ((1, 1), "old")])
def test_branches_of_a_version_are_told_apart(version: tuple[int, int], name: str) -> None:
    _reader, (answer,) = read("patch", version)
    assert list(answer.schema["properties"]) == [name]


def test_no_content() -> None:
    _reader, (answer,) = read("delete")
    assert (answer.status, answer.schema) == (204, None)
