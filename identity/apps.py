"""Identity: Keystone, and how requests are told apart."""

from common import registration


class IdentityConfig(registration.CloudAppConfig):
    name = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.conf import settings

        from common import patterns
        from identity import tokens
        from identity.appcreds import access
        from identity.signin import sessions
        from openstackapi import auth

        patterns.rule(settings.PASSWORD_REGEX)  # a setting that no password could be held against ends the start here
        auth.use(token=tokens.actor_from_token, session=sessions.actor_of_request, check=access.check)
        super().ready()
