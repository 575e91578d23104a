"""Errors of the compute service that Nova answers otherwise than their kind, as openstackapi.faults asks."""

from common.errors import CloudError
from compute.aggregates.services import AggregateInUse, ZoneInUse
from compute.hypervisors.reading import NotDone
from openstackapi import faults

STATUS: dict[type[CloudError], int] = {AggregateInUse: 400, ZoneInUse: 400, NotDone: 501}


def register() -> None:
    faults.register(STATUS)
