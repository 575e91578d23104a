"""Errors on the wire: statuses, types and forms."""

import pytest

from common import errors
from compute.aggregates.services import AggregateInUse
from compute.hypervisors.reading import NotDone
from images.images.errors import Corrupt, RangeNotSatisfiable
from images.stores.files import StoreFull
from networking.floatingips.services import BadFloatingIPRequest
from networking.routers.interfaces import BadRouterRequest
from openstackapi import faults
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
    body = faults.body_of(error, service, faults.status_of(error, service), "req-1")
    found = body["NeutronError"]["type"] if service == "network" else body["errors"][0]["code"]
    assert found == told and error.code == type(error).__name__
