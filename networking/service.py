from openstackapi import services


def register() -> None:
    services.declare(
        services.Service(
            type="network",
            name="neutron",
            path="/api/network",
            description="Networks",
            about="Neutron's v2.0 API: networks, routers, addresses, security groups.",
            urls="networking.urls",
        )
    )
