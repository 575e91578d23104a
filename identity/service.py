from openstackapi import services


def register() -> None:
    services.declare(
        services.Service(
            type="identity",
            name="keystone",
            path="/api/identity/v3",
            description="Users, projects, tokens",
            about="Keystone's v3 API: who may do what.",
            urls="identity.urls",
        )
    )
