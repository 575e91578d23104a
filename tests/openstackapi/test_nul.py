"""A NUL character, which PostgreSQL cannot keep, is refused by every service alike."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.openstackapi.asking import Asker

SignIn = Callable[[], dict[str, Asker]]
CREATES: list[tuple[str, dict[str, Any]]] = [
    ("/api/identity/v3/groups", {"group": {"name": "a%sb"}}),
    ("/api/identity/v3/projects", {"project": {"name": "nul", "description": "a%sb"}}),
    ("/api/network/v2.0/networks", {"network": {"name": "a%sb"}}),
    ("/api/network/v2.0/security-groups", {"security_group": {"name": "a%sb"}}),
    ("/api/compute/v2.1/os-keypairs", {"keypair": {"name": "nul", "public_key": "a%sb"}}),
    ("/api/image/v2/images", {"name": "a%sb"}),
    ("/api/placement/resource_providers", {"name": "a%sb"}),
]


def said(body: dict[str, Any], between: str) -> bytes:
    return orjson.dumps(body).replace(b"%s", between.encode())


@pytest.mark.parametrize(("path", "body"), CREATES, ids=[path for path, _ in CREATES])
def test_a_nul_in_a_body_is_400(path: str, body: dict[str, Any], askers: SignIn) -> None:
    answer = askers()["admin"].ask("post", path, said(body, "\\u0000"))
    assert answer.status_code == 400, answer.content
    assert b"NUL character" in answer.content


@pytest.mark.parametrize("path", [path for path, _ in CREATES])
def test_a_nul_in_a_query_or_path_is_400(path: str, askers: SignIn) -> None:
    admin = askers()["admin"]
    assert admin.ask("get", path, query="name=a%00b").status_code == 400
    assert admin.ask("get", f"{path}/a%00b").status_code in (400, 404)


def test_the_six_letters_of_its_escape_are_a_name_like_others(askers: SignIn) -> None:
    body = said({"group": {"name": "a%sb"}}, "\\\\u0000")
    answer = askers()["admin"].ask("post", "/api/identity/v3/groups", body)
    assert answer.status_code == 201
    assert answer.json()["group"]["name"] == "a\\u0000b"
