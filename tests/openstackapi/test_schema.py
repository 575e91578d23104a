"""The OpenAPI document: valid, whole, and the same as what the views do."""

import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from openstackapi import services
from openstackapi.schema import document

METHODS = ("get", "post", "put", "patch", "delete")
#: What answers without a content: these are the statuses that may.
EMPTY = {"200", "201", "202", "204", "302", "304"}


@cache
def made() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/schema/").content)
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made()["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield method, path, operation


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part, or what it refers to."""
    while "$ref" in part:
        found: Any = made()
        for word in part["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        part = found
    return part


def test_document_is_valid_openapi() -> None:
    assert made()["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(made()).validate()


def test_every_service_is_in_it() -> None:
    tags = {tag for _method, _path, operation in operations() for tag in operation["tags"]}
    assert tags == {service.type for service in services.every()} >= {"identity", "compute"}
    assert sum(1 for _ in operations()) > 550


def test_each_route_is_there_once() -> None:
    paths = list(made()["paths"])
    assert len({path.rstrip("/") for path in paths}) == len(paths)
    ids = [operation["operationId"] for _method, _path, operation in operations()]
    assert len(set(ids)) == len(ids)


def test_every_answer_has_a_schema() -> None:
    bare = []
    for method, path, operation in operations():
        for status, response in operation["responses"].items():
            content = resolved(response).get("content")
            if status[0] in "45":
                bare += [] if content else [(method, path, status)]
            elif content is None:
                bare += [] if status in EMPTY else [(method, path, status)]
            else:
                json_one = content.get("application/json")
                bare += [(method, path, status)] if json_one is not None and not resolved(json_one["schema"]) else []
    assert bare == []


def test_lists_and_items_say_what_is_in_them() -> None:
    """A GET answers an object with properties, or a file."""
    vague = []
    for method, path, operation in operations():
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json")
        if method == "get" and answer is not None:
            schema = resolved(answer["schema"])
            if not ({"properties", "additionalProperties", "anyOf"} & set(schema)):
                vague.append((path, schema))
    assert vague == []


def test_every_body_has_a_schema() -> None:
    bare = []
    for method, path, operation in operations():
        for media, said in operation.get("requestBody", {}).get("content", {}).items():
            if media == "application/json" and not resolved(said["schema"]):
                bare.append((method, path, media))
    assert bare == []


def test_a_body_is_missing_only_where_none_is_read() -> None:
    """POST, PUT and PATCH without a body in the document: their last word is a name in the path, or a plain action."""
    odd = []
    plain = (
        "/protocols/{protocol_id}/auth",
        "/websso",
        "/deactivate",
        "/reactivate",
        "/request_token",
        "/access_token",
        "/inherited_to_projects",
    )
    for method, path, operation in operations():
        writes = method in ("post", "put", "patch") and not path.endswith(("}", *plain))
        if writes and "requestBody" not in operation:
            odd.append((method, path))
    assert odd == []


def test_words_and_parameters() -> None:
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        assert "One route of one service" not in operation.get("description", ""), (method, path)
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, (method, path)
        assert all(resolved(one).get("description") for one in operation.get("parameters", ()) if one["in"] == "path")


@pytest.mark.parametrize(
    ("method", "path", "status", "key"),
    [
        ("get", "/api/compute/v2.1/servers/detail", "200", "servers"),
        ("post", "/api/compute/v2.1/servers", "202", "server"),
        ("get", "/api/identity/v3/users", "200", "users"),
        ("post", "/api/identity/v3/projects", "201", "project"),
        ("get", "/api/network/v2.0/networks", "200", "networks"),
        ("post", "/api/network/v2.0/ports", "201", "port"),
        ("get", "/api/image/v2/images", "200", "images"),
        ("get", "/api/placement/resource_providers", "200", "resource_providers"),
    ],
)
def test_well_known_answers(method: str, path: str, status: str, key: str) -> None:
    content = made()["paths"][path][method]["responses"][status]["content"]
    assert key in resolved(content["application/json"]["schema"])["properties"]


def test_statuses_without_content() -> None:
    for path in ("/api/identity/v3/users/{id}", "/api/network/v2.0/ports/{id}", "/api/image/v2/images/{image_id}"):
        answer = made()["paths"][path]["delete"]["responses"]["204"]
        assert "content" not in answer


def test_files_are_octets() -> None:
    file = made()["paths"]["/api/image/v2/images/{image_id}/file"]
    assert set(file["put"]["requestBody"]["content"]) == {"application/octet-stream"}
    assert set(file["get"]["responses"]["200"]["content"]) == {"application/octet-stream"}
    patch = made()["paths"]["/api/image/v2/images/{image_id}"]["patch"]["requestBody"]["content"]
    assert set(patch) == {
        "application/openstack-images-v2.0-json-patch",
        "application/openstack-images-v2.1-json-patch",
    }


def test_microversions_and_token() -> None:
    headers = {one["name"] for one in made()["paths"]["/api/compute/v2.1/servers"]["get"]["parameters"]}
    assert "OpenStack-API-Version" in headers
    assert made()["components"]["securitySchemes"]["token"]["name"] == "X-Auth-Token"
    assert made()["paths"]["/api/compute/v2.1/servers"]["get"]["security"] == [{"token": []}]
    assert not made()["paths"]["/api/identity/v3/auth/tokens"]["post"].get("security")


def test_it_is_made_in_seconds_and_kept() -> None:
    begin = time.process_time()
    document()
    assert time.process_time() - begin < 20
    Client().get("/api/schema/")
    begin = time.process_time()
    Client().get("/api/schema/")
    assert time.process_time() - begin < 0.5
