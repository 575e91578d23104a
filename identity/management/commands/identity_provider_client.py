"""manage.py identity_provider_client: how the cloud is known to a provider that speaks OpenID Connect."""

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from authorization.context import RequestContext
from common.errors import CloudError
from identity.federation import services
from identity.models import Client


class Command(BaseCommand):
    help = (
        "Set, show or take away the OpenID Connect client of an identity provider. The secret is asked for, or taken from "
        "the environment variable OIDC_CLIENT_SECRET; it is never an argument, which others on this machine could read."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("provider", help="id of the identity provider")
        parser.add_argument("--issuer", help="https://…, as the provider's discovery document names itself")
        parser.add_argument("--client-id")
        parser.add_argument("--public", action="store_true", help="the client has no secret")
        parser.add_argument("--keep-secret", action="store_true", help="leave the secret as it is")
        parser.add_argument("--scopes", help='separated by spaces; "openid email profile" at first')
        parser.add_argument(
            "--audience", action="append", help="another client id whose tokens are taken; may be repeated"
        )
        parser.add_argument("--label", help="what the sign-in button says")
        parser.add_argument("--delete", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = RequestContext.internal("manage.py identity_provider_client")
        provider = options["provider"]
        try:
            if options["delete"]:
                services.drop_client(actor, provider)
                self.stdout.write(f"Nobody signs in through {provider} any more.")
                return
            wanted = {name: options[name] for name in ("issuer", "client_id", "scopes", "label")}
            wanted["audiences"] = options["audience"]
            if any(wanted.values()) or options["public"]:
                services.set_client(actor, provider, **wanted, client_secret=self._secret(options))
            self._show(provider)
        except CloudError as error:
            raise CommandError(error.message) from None

    def _secret(self, options: dict[str, object]) -> str | None:
        """The new secret, "" for none, None to leave it as it is."""
        if options["public"]:
            return ""
        if options["keep_secret"]:
            return None
        return os.environ.get("OIDC_CLIENT_SECRET") or getpass.getpass("The client's secret: ")

    def _show(self, provider: str) -> None:
        client = Client.objects.filter(pk=provider).first()
        if client is None:
            raise CommandError(f"The identity provider {provider} has no client yet. Give --issuer and --client-id.")
        for name in ("issuer", "client_id", "scopes", "audiences", "label"):
            self.stdout.write(f"{name:10} {getattr(client, name)}")
        self.stdout.write(f"{'secret':10} {'set' if client.encrypted_secret else 'none'}")
