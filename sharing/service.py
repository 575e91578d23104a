"""The routes of shares are the identity service's."""

from openstackapi import services


def register() -> None:
    services.add_routes("identity", "sharing.urls")
