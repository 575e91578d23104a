from openstackapi import services

MAXIMUM = "1.28"  # 1.29 and later are about candidates of several providers of a tree


def register() -> None:
    services.declare(
        services.Service(
            type="placement",
            name="placement",
            path="/api/placement",
            about="Placement's API: what hosts have and who uses it.",
            urls="placement.urls",
            microversions=("1.0", MAXIMUM),
        )
    )
