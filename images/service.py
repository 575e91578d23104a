from images.faults import STATUS
from openstackapi import faults, services


def register() -> None:
    services.declare(
        services.Service(
            type="image",
            name="glance",
            path="/api/image",
            description="Images",
            about="Glance's v2 API: what servers start from.",
            urls="images.urls",
            internal_urls="images.internal_urls",
        )
    )
    faults.register(STATUS)
