"""Every route is asked with what its schema allows, and with what it does not: no fault of the cloud, no other form.

schemathesis makes the requests out of the cloud's own document. Paths lead to things that are there as often as not.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from identity.seeds import PROJECTS, ROLES
from images.images.changes import DIALECTS
from openstackapi import microversion, services
from openstackapi.schema import document
from tests.openstackapi.asking import Asker, furnish
from tests.simulated import Cloud

for dialect in DIALECTS:
    schemathesis.serializer.alias(dialect, "application/json")
SignIn = Callable[[], dict[str, Asker]]
SERVICES = [service.type for service in services.every()]
#: Requests a route is asked with, by either user: enough to meet most branches in a few minutes for all routes.
FEW, MANY = 2, 40
REQUEST_ID = re.compile(r"^req-[0-9a-f-]{36}$")
#: Names of things in lists, the first that is there.
IDS = ("id", "uuid", "name", "namespace", "alias", "member_id", "access")


@cache
def _document() -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(orjson.dumps(document(), default=str))
    return made


@cache
def _operations() -> Any:
    config = schemathesis.Config.from_dict({"generation": {"allow-x00": True, "with-security-parameters": False}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return schemathesis.openapi.from_dict(_document(), config=config)


def _of(service: str) -> Iterator[Any]:
    for found in _operations().get_all_operations():
        operation = found.ok()
        if operation.path.startswith(f"/api/{service}/") and not operation.path.startswith("/api/compute/v2/"):
            yield operation


class Known:
    """What is there: the ids that the list above a path shows."""

    def __init__(self, admin: Asker) -> None:
        self.admin = admin

    def values(self, collection: str) -> list[str]:
        answer = self.admin.ask("get", collection, headers={"OpenStack-API-Version": "compute latest"})
        body = answer.json() if answer.status_code == 200 and answer.content else None
        for rows in body.values() if isinstance(body, dict) else ():
            if isinstance(rows, list):
                found = [row if isinstance(row, str) else _name(row) for row in rows if not _is_own(row)]
                return [one for one in found if one][:4]
            if isinstance(rows, dict):
                return [name for name in rows if isinstance(name, str)][:4]
        return []

    def path(self, template: str, given: dict[str, Any], real: bool) -> str:
        """The path with its parameters: the ones given, or those of things that are there."""
        done = ""
        for part in template.strip("/").split("/"):
            if not part.startswith("{"):
                done += f"/{part}"
                continue
            found = self.values(done) if real else []
            # a route below one with an id of another kind: /projects/{project}/users/{user}
            found = found or (self.values(re.sub(r"/[^/]+/[^/]+/([^/]+)$", r"/\1", done)) if real else [])
            value = found[0] if found else str(given.get(part[1:-1], "x"))
            done += "/" + quote(value, safe="")
        return done


def _is_own(row: Any) -> bool:
    """Whether a row is what the test itself stands on: without it nobody could sign in again."""
    return isinstance(row, dict) and row.get("name") in (*ROLES, *PROJECTS, "Default")


def _name(row: Any) -> str:
    if isinstance(row, dict) and len(row) == 1 and isinstance(next(iter(row.values())), dict):
        row = next(iter(row.values()))  # {"keypair": {…}}
    return next((str(row[name]) for name in IDS if name in row), "") if isinstance(row, dict) else ""


def _body(case: Any) -> tuple[bytes, str]:
    media = case.media_type or "application/json"
    if type(case.body).__name__ == "NotSet":
        return b"", media
    if isinstance(case.body, bytes):
        return case.body, media
    try:
        return orjson.dumps(case.body), media
    except (TypeError, orjson.JSONEncodeError):  # what JSON cannot say
        return str(case.body).encode("utf-8", "replace"), media


def _headers(case: Any, latest_of: str) -> dict[str, str]:
    """What the case sends; instead of that, the latest microversion of a service."""
    if latest_of:
        return {"OpenStack-API-Version": f"{latest_of} latest"}
    sent = {name: str(value) for name, value in (case.headers or {}).items()}
    return {name: value for name, value in sent.items() if name != "X-Auth-Token" and value.isascii()}


def _wrong(operation: Any, answer: Any, *, latest: bool) -> str:
    """What is wrong with an answer, or nothing. The document tells of the latest microversion."""
    status = answer.status_code
    if not REQUEST_ID.match(answer.headers.get("X-Openstack-Request-Id", "")):
        return "no request id"
    if status >= 500 and status not in (501, 503):
        return f"a fault of the cloud: {answer.content[:200]!r}"
    if not latest:
        return "" if not answer.content or _is_json(answer) else "not JSON"
    responses = operation.definition.raw["responses"]
    said = responses.get(str(status)) or (responses["4XX"] if status in range(400, 600) else None)
    if said is None:
        return f"status {status} is not in the document"
    while "$ref" in said:
        said = _document()["components"]["responses"][said["$ref"].rsplit("/", 1)[1]]
    if getattr(answer, "streaming", False):
        return "" if "application/octet-stream" in said["content"] else "a stream that is not in the document"
    if not answer.content:
        bare = "content" not in said or said.get("x-body") == "optional" or operation.method == "head"
        return "" if bare else f"status {status} without content"
    media = answer.headers["Content-Type"].partition(";")[0]
    if media not in said.get("content", {}):
        return f"{media} is not in the document for {status}"
    if media != "application/json":
        return ""
    schema = {**said["content"][media]["schema"], "components": _document().get("components", {})}
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(orjson.loads(answer.content)))
    return "; ".join(f"{one.json_path}: {one.message[:160]}" for one in errors[:3])


def _is_json(answer: Any) -> bool:
    return (
        str(answer.headers["Content-Type"]).startswith("application/json") and orjson.loads(answer.content) is not None
    )


def _ask_all(operation: Any, users: dict[str, Asker], again: SignIn, known: Known, count: int) -> list[str]:
    """Asks one route `count` times with good bodies and as often with bad ones; what went wrong."""
    wrong: dict[str, None] = {}
    versioned = microversion.range_of(operation.tags[0]) is not None
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

    @seed(int(os.environ.get("STACKLING_SEED", "7")))
    @settings(
        max_examples=count * 2,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)),
        who=st.sampled_from(["admin", "admin", "demo"]),
        real=st.sampled_from([True, True, False]),
        latest=st.sampled_from([True, True, False]),
    )
    def ask(case: Any, who: str, real: bool, latest: bool) -> None:
        path = known.path(operation.path, dict(case.path_parameters or {}), real)
        body, media = _body(case)
        headers = _headers(case, operation.tags[0] if versioned and latest else "")
        query = urlencode({k: v for k, v in (case.query or {}).items() if v is not None}, doseq=True, errors="replace")
        answer = users[who].ask(operation.method, path, body, media, query, headers)
        if answer.status_code == 401:
            users.update(again())
            known.admin = users["admin"]
        if said := _wrong(operation, answer, latest=latest or not versioned):
            wrong[
                f"{operation.method.upper()} {path}?{query[:80]} {headers} {body[:300]!r} → {answer.status_code}: {said}"
            ] = None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask()
    return list(wrong)[:3]


def _run(service: str, world: Cloud, askers: SignIn, count: int) -> None:
    users = askers()
    furnish(users["admin"])
    world.settle()
    wrong: list[str] = []
    known = Known(users["admin"])
    # what takes away goes last, so that the others find something
    for operation in sorted(_of(service), key=lambda one: one.method.lower() == "delete"):
        wrong += _ask_all(operation, users, askers, known, count)
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", SERVICES)
def test_every_route_takes_anything(service: str, world: Cloud, askers: SignIn) -> None:
    _run(service, world, askers, FEW)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SERVICES)
def test_every_route_takes_anything_for_long(service: str, world: Cloud, askers: SignIn) -> None:
    _run(service, world, askers, MANY)
