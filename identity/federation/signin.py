"""Signing in at an identity provider from a browser: OpenID Connect's authorization-code flow with state, nonce and PKCE.

The portal's part is three calls: `offered()` for the buttons, `begin()` for where a button leads, `finish()` when the
browser comes back to CALLBACK. The state of one sign-in is kept in the browser's own session and counts once.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from common.errors import Unauthorized
from identity.federation import assertions, oidc, shadow
from identity.models import Client, Protocol, User
from openstackapi import links

#: Path at which browsers come back to the portal; the provider must know ``<cloud>/sign-in/federated`` as a redirect URI.
CALLBACK = "/sign-in/federated"
#: Seconds in which a sign-in must be done, and how many may be under way in one browser.
WITHIN, AT_ONCE = 600, 5
_KEY = "federation"


class NoClient(Unauthorized):
    template = _("The identity provider %(id)s has no OpenID Connect client here. Its operator can set one.")


class NotOurs(Unauthorized):
    template = _("This sign-in was not begun in this browser, or too long ago. Begin again.")


class SignInRefused(Unauthorized):
    formerly = ("Refused",)
    template = _("The identity provider did not sign you in: %(reason)s.")


@dataclass(frozen=True)
class Offer:
    """A button: "Sign in with <label>"."""

    provider_id: str
    protocol_id: str
    label: str


@dataclass(frozen=True)
class Finished:
    """The user who came back. `next` is a path of ours, or the dashboard that a websso sign-in began with."""

    user: User
    provider_id: str
    protocol_id: str
    next: str


def offered() -> list[Offer]:
    """Choices of the sign-in page: enabled providers with a client and a protocol, by label."""
    rows = Protocol.objects.filter(provider__enabled=True, provider__domain__enabled=True).exclude(
        provider__client=None
    )
    found = [
        Offer(row.provider_id, row.id, row.provider.client.label or row.provider_id)
        for row in rows.select_related("provider__client").order_by("provider_id", "id")
    ]
    return sorted(found, key=lambda offer: offer.label.lower())


def client_of(provider_id: str) -> Client:
    """Raises: NoClient."""
    client = Client.objects.filter(pk=provider_id).first()
    if client is None:
        raise NoClient(id=provider_id)
    return client


def begin(
    request: HttpRequest, provider_id: str, protocol_id: str, next: str = "/", *, callback: str = CALLBACK
) -> str:
    """Begin a sign-in: return the provider's address to which the browser must go.

    `next` is where it shall be in the end: a path of ours (anything else becomes "/"). `callback` is the path at which
    the provider sends it back. Raises: NoSuchProtocol, ProviderDisabled, NoClient, ProviderSilent.
    """
    if not url_has_allowed_host_and_scheme(next, allowed_hosts=None):
        next = "/"
    return _begin(request, provider_id, protocol_id, next, callback)


def begin_websso(request: HttpRequest, provider_id: str, protocol_id: str, origin: str, *, callback: str) -> str:
    """Begin one for a dashboard at `origin`, which the caller has found to be a trusted one."""
    return _begin(request, provider_id, protocol_id, origin, callback)


def _begin(request: HttpRequest, provider_id: str, protocol_id: str, next: str, callback: str) -> str:
    protocol = shadow.find_protocol(provider_id, protocol_id)
    client = client_of(protocol.provider_id)
    target = oidc.endpoint(client.issuer, "authorization_endpoint")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _number in range(3))
    redirect_uri = links.root(request) + callback
    begun = {
        "provider": provider_id,
        "protocol": protocol_id,
        "next": next,
        "nonce": nonce,
        "verifier": verifier,
        "redirect_uri": redirect_uri,
        "at": int(time.time()),
    }
    under_way = dict(list(request.session.get(_KEY, {}).items())[1 - AT_ONCE :])
    request.session[_KEY] = {**under_way, state: begun}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": client.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{target}{'&' if '?' in target else '?'}{urlencode(query)}"


def is_return(request: HttpRequest) -> bool:
    """Whether a browser comes back from a provider, rather than begins."""
    return "state" in request.GET and ("code" in request.GET or "error" in request.GET)


def finish(request: HttpRequest) -> Finished:
    """Return the user who came back from a provider; the caller opens the session or issues the token. Counts once.

    Raises: NotOurs, SignInRefused, NoSuchProtocol, ProviderDisabled, NotMapped, BadProviderToken, ProviderSilent.
    """
    begun = _take(request, request.GET.get("state", ""))
    if request.GET.get("error"):
        reason = request.GET.get("error_description") or request.GET["error"]
        raise SignInRefused(reason=reason[:200])
    protocol = shadow.find_protocol(begun["provider"], begun["protocol"])
    client = client_of(protocol.provider_id)
    claims = oidc.exchanged(
        client,
        code=request.GET.get("code", ""),
        redirect_uri=begun["redirect_uri"],
        verifier=begun["verifier"],
        nonce=begun["nonce"],
    )
    user = shadow.user_of(protocol, assertions.from_claims(claims), client.issuer)
    return Finished(user, protocol.provider_id, protocol.id, begun["next"])


def _take(request: HttpRequest, state: str) -> dict[str, Any]:
    under_way = dict(request.session.get(_KEY, {}))
    begun = under_way.pop(state, None)
    request.session[_KEY] = under_way
    if begun is None or time.time() - begun["at"] > WITHIN:
        raise NotOurs()
    return dict(begun)
