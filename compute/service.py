from common import errors
from openstackapi import services
from openstackapi.envelopes import NOVA, named

#: The newest microversion that is really served. 2.97 would be Manila's shares.
MAXIMUM = "2.96"


def register() -> None:
    services.declare(
        services.Service(
            type="compute",
            name="nova",
            path="/api/compute/v2.1",
            about="Nova's v2.1 API with microversions: servers, flavors, key pairs.",
            urls="compute.urls",
            internal_urls="compute.internal_urls",
            microversions=("2.1", MAXIMUM),
            legacy_header="X-OpenStack-Nova-API-Version",
            id_header="X-Compute-Request-Id",
            statuses={errors.Unsupported: 409},
            envelope=named(NOVA),
        )
    )
