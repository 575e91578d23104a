"""Signing in at the API with a provider's own token, sent as ``Authorization: Bearer …`` (keystoneauth's v3oidc… plugins)."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Unauthorized
from identity.federation import assertions, oidc, shadow
from identity.federation.signin import client_of
from identity.models import Protocol, User


class NoBearer(Unauthorized):
    template = _("Send the identity provider's token in the header Authorization: Bearer.")


def user_of(request: HttpRequest, provider_id: str, protocol_id: str) -> tuple[User, Protocol]:
    """Return the user that the request's bearer token names.

    Raises: NoSuchProtocol, ProviderDisabled, NoClient, NoBearer, BadProviderToken, NotMapped, ProviderSilent.
    """
    protocol = shadow.find_protocol(provider_id, protocol_id)
    client = client_of(provider_id)
    kind, _space, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        raise NoBearer()
    claims = oidc.bearer(client, text.strip())
    return shadow.user_of(protocol, assertions.from_claims(claims), client.issuer), protocol
