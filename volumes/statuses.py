"""Errors of the volume service that Cinder answers otherwise than their kind, as openstackapi.faults asks."""

from common.errors import CloudError
from openstackapi import faults
from volumes.volumes.errors import NoBackendFits, NoBackends

STATUS: dict[type[CloudError], int] = {NoBackendFits: 409, NoBackends: 409}


def register() -> None:
    faults.register(STATUS)
