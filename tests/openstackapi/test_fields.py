"""Fields, versions, pages and bodies."""

from datetime import UTC, datetime

import pytest
from django.test import RequestFactory

from authorization.context import RequestContext
from common.errors import Invalid, NotAcceptable
from openstackapi import bodies, faults, microversion, services
from openstackapi.fields import Field, Fields, iso_micro, iso_micro_z
from openstackapi.pagination import Page

THING = Fields(
    "thing",
    [
        Field("id"),
        Field("name", create=True, required=True, schema={"type": "string", "minLength": 1}),
        Field("old", until=(2, 5)),
        Field("new", since=(2, 6)),
        Field("secret", admin=True),
        Field("created_at", type="datetime"),
        Field("double", lambda row: row["id"] * 2),
    ],
)
X = services.Service(type="x", name="x", path="/api/x", about="", urls="", microversions=("2.1", "2.30"))
ROW = {
    "id": "x",
    "name": "n",
    "old": 1,
    "new": 2,
    "secret": 3,
    "created_at": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
}


def test_fields_appear_and_vanish_by_version_and_role() -> None:
    admin = RequestContext(user_id="a", roles=frozenset({"admin"}))
    assert set(THING.render(ROW, (2, 5))) == {"id", "name", "old", "created_at", "double"}
    assert set(THING.render(ROW, (2, 6), admin)) == {"id", "name", "new", "secret", "created_at", "double"}
    assert THING.render(ROW, (2, 6))["created_at"] == "2026-01-02T03:04:05Z"
    assert THING.render(ROW, (2, 6))["double"] == "xx"


def test_times_have_each_services_form() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert iso_micro_z(moment) == "2026-01-02T03:04:05.000000Z"
    assert iso_micro(moment) == "2026-01-02T03:04:05.000000"


def test_a_body_that_does_not_fit_names_the_attribute() -> None:
    schema = THING.create_schema()
    assert bodies.validate({"thing": {"name": "n"}}, schema)
    for bad in ({}, {"thing": {}}, {"thing": {"name": ""}}, {"thing": {"name": "n", "id": "x"}}, [], "x", None):
        with pytest.raises(Invalid):
            bodies.validate(bad, schema)
    with pytest.raises(Invalid, match="name"):
        bodies.validate({"thing": {"name": 5}}, schema)


@pytest.mark.parametrize(
    ("header", "want"), [(None, (2, 1)), ("x 2.10", (2, 10)), ("x latest", (2, 30)), ("other 2.9", (2, 1))]
)
def test_microversions_are_read(header: str | None, want: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(services._services, "x", X)
    extra = {"HTTP_OPENSTACK_API_VERSION": header} if header else {}
    assert microversion.read("x", RequestFactory().get("/", **extra)) == want


@pytest.mark.parametrize(("header", "kind"), [("x 2", Invalid), ("x 2.a", Invalid), ("x 2.31", NotAcceptable)])
def test_bad_microversions_are_refused(header: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(services._services, "x", X)
    with pytest.raises(kind):
        microversion.read("x", RequestFactory().get("/", HTTP_OPENSTACK_API_VERSION=header))


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "sort_key=nope", "sort_key=name&sort_dir=up"])
def test_bad_pages_are_refused(query: str) -> None:
    with pytest.raises(Invalid):
        Page.from_request(RequestFactory().get("/?" + query), sort_keys={"name": "name"})


def test_each_kind_of_error_has_a_status_in_every_service() -> None:
    from common import errors

    for service in (one.type for one in services.every()):
        for kind in faults.STATUS:
            error = kind(reason="r", what="w", id="i")
            status = faults.status_of(error, service)
            assert 400 <= status < 600
            assert services.fault_body(faults.fault_of(error, service, "req-1"))
    assert faults.status_of(errors.OverLimit(), "network") == 409
    assert faults.status_of(errors.OverLimit(), "compute") == 403
