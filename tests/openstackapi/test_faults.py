"""Errors on the wire: statuses, types and forms."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation
from rest_framework.renderers import BaseRenderer

from common import errors
from common.stores import StoreFull
from compute.aggregates.services import AggregateInUse
from compute.hypervisors.reading import NotDone
from images.images.errors import Corrupt
from networking.floatingips.services import BadFloatingIPRequest
from networking.routers.interfaces import BadRouterRequest
from openstackapi import faults, services
from openstackapi.envelopes import Fault
from openstackapi.shapes import AnyOf, Media
from openstackapi.streams import RangeNotSatisfiable
from openstackapi.views import Response, ServiceView
from placement.services import GenerationConflict


@pytest.mark.parametrize(
    ("error", "service", "status"),
    [
        (AggregateInUse(id=1), "compute", 400),
        (NotDone(what="This"), "compute", 501),
        (errors.Unsupported(what="This"), "compute", 409),
        (StoreFull(need=1, have=0), "image", 413),
        (StoreFull(need=1, have=0), "compute", 413),  # a snapshot
        (RangeNotSatisfiable(range="9-", size=1), "image", 416),
        (Corrupt(id="i", have="a", want="b"), "image", 500),
        (errors.OverLimit(), "network", 409),
        (errors.OverLimit(), "image", 413),
        (errors.StepFailed(step="s", detail="d"), "compute", 500),
    ],
    ids=lambda one: one.code if isinstance(one, errors.CloudError) else str(one),
)
def test_a_class_of_its_own_status_has_it_in_every_service(error: errors.CloudError, service: str, status: int) -> None:
    assert faults.status_of(error, service) == status


@pytest.mark.parametrize(
    ("error", "service", "told"),
    [
        (BadFloatingIPRequest(reason="x"), "network", "BadRequest"),
        (BadRouterRequest(reason="x"), "network", "BadRequest"),
        (errors.Unavailable(reason="x."), "network", "Unavailable"),
        (GenerationConflict(), "placement", "placement.concurrent_update"),
        (errors.Conflict(reason="x"), "placement", "placement.undefined_code"),
    ],
    ids=lambda one: one.code if isinstance(one, errors.CloudError) else str(one),
)
def test_the_wires_type_is_apart_from_the_code(error: errors.CloudError, service: str, told: str) -> None:
    body = services.fault_body(faults.fault_of(error, service, "req-1"))
    found = body["NeutronError"]["type"] if service == "network" else body["errors"][0]["code"]
    assert found == told and error.code == type(error).__name__


BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/api/compute/v2.1/servers", "*/*", "application/json"),
        ("/api/compute/v2.1/servers", "application/xml", "application/json"),
        ("/api/compute/v2.1/servers", BROWSER, "text/html; charset=utf-8"),  # DRF's page
        ("/api/compute/nothing-like-it", BROWSER, "application/json"),  # no view that could make a page
        ("/api/image/v2/images", "application/json", "application/json"),
        ("/api/image/v2/images", "*/*", "text/html; charset=UTF-8"),
        ("/api/image/v2/images", "text/html;q=0.1, application/json", "application/json"),
        ("/api/image/v2/images", "image/png", "text/plain; charset=UTF-8"),
        ("/api/image/v2/images", BROWSER, "text/html; charset=UTF-8"),
        ("/api/image/nothing-like-it", "*/*", "text/html; charset=UTF-8"),
        ("/api/image/nothing-like-it", "application/json", "application/json"),
    ],
)
def test_a_fault_has_the_form_that_the_service_has_for_what_is_accepted(
    path: str, accept: str, kind: str, db: None
) -> None:
    answer = Client().get(path, HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (404 if "nothing" in path else 401, kind)
    if kind == "application/json":
        assert answer.json()
    elif path.startswith("/api/image"):
        lines = [line for line in re.sub("<[^>]+>", "", answer.content.decode()).split("\n") if line.strip()]
        assert lines[0].strip() == ("404 Not Found" if "nothing" in path else "401 Unauthorized")


class Words(BaseRenderer):
    """How a service that speaks XML would say an answer and a fault."""

    media_type, format, charset = "application/xml", "xml", "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: object = None) -> str:
        if isinstance(data, Fault):
            return f"<Error><Code>{data.wire_type}</Code><RequestId>{data.request_id}</RequestId></Error>"
        return "".join(f"<{name}>{value}</{name}>" for name, value in data.items())


class ToyView(ServiceView):
    service = "toy"
    anonymous = True
    answers = {"get": {200: AnyOf({"Name": str}, Media("application/xml"))}}

    def get(self, request: Any, name: str) -> Response:
        if name == "gone":
            raise GenerationConflict()
        return Response({"Name": name})


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service that answers XML or JSON, and tells faults as XML alone."""
    words = f"{__name__}.Words"
    both = services.Offer((words, services.JSON_RENDERER), otherwise=words)
    found = services.Service(
        type="toy", name="", path="", about="", urls="", answers=both, faults=services.Offer((words,), words)
    )
    monkeypatch.setitem(services._services, "toy", found)
    yield


def _ask(name: str, accept: str) -> HttpResponse:
    request = RequestFactory().get(f"/api/toy/{name}", HTTP_ACCEPT=accept)
    request.request_id = "req-1"  # type: ignore[attr-defined]
    with translation.override("zh-hans"):
        answer: HttpResponse = ToyView.as_view()(request, name=name)
        answer.render()  # type: ignore[attr-defined]
    return answer


@pytest.mark.parametrize(
    ("name", "accept", "kind", "want"),
    [
        ("a", "*/*", "application/xml; charset=utf-8", b"<Name>a</Name>"),
        ("a", "application/json", "application/json", b'{"Name":"a"}'),
        ("a", "image/png", "application/xml; charset=utf-8", b"<Name>a</Name>"),
        (
            "gone", "application/json", "application/xml; charset=utf-8",
            b"<Error><Code>placement.concurrent_update</Code><RequestId>req-1</RequestId></Error>",
        ),
    ],
)  # fmt: skip
def test_a_service_says_in_which_other_forms_it_speaks(
    toy: None, name: str, accept: str, kind: str, want: bytes
) -> None:
    answer = _ask(name, accept)
    assert (answer["Content-Type"], answer.content) == (kind, want)
