from common import errors
from openstackapi import services
from openstackapi.envelopes import NOVA, named

#: The newest microversion that is really served.
MAXIMUM = "3.71"

#: Cinder tells an error as Nova does, but for a version that it does not have. Source: cinder/api/openstack/wsgi.py, Fault._fault_names.
_NAMES = {status: name for status, name in NOVA.items() if status != 406}


def register() -> None:
    services.declare(
        services.Service(
            type="volume",
            catalog_types=("block-storage", "volumev3"),
            name="cinder",
            path="/api/volume/v3",
            description="Volumes",
            about="Cinder's v3 API with microversions: disks that outlive servers.",
            urls="volumes.urls",
            microversions=("3.0", MAXIMUM),
            statuses={errors.OverLimit: 413, errors.Unsupported: 400},
            envelope=named(_NAMES),
        )
    )
