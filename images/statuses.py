"""Errors of the image service that Glance answers otherwise than their kind, as openstackapi.faults asks."""

from common.errors import CloudError
from images.images.errors import Corrupt, TooBig
from openstackapi import faults

STATUS: dict[type[CloudError], int] = {TooBig: 413, Corrupt: 500}


def register() -> None:
    faults.register(STATUS)
