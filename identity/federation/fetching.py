"""Requests to identity providers: https only, to whom the operator named, small answers, no redirects, short waits."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, Unauthorized, Unavailable
from hostagent import inet

TIMEOUT = 5.0
MOST_BYTES = 1024 * 1024


class BadAddress(Invalid):
    template = _("The address %(url)s of an identity provider is refused: %(reason)s.")


class ProviderSilent(Unavailable):
    template = _("The identity provider at %(host)s does not answer as it should: %(reason)s. Ask its operator, or try again in %(retry_after)s seconds.")  # fmt: skip


class ProviderRefused(Unauthorized):
    template = _("The identity provider at %(host)s refused: %(reason)s.")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **more: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def check_address(url: str) -> None:
    """Raises: BadAddress unless `url` is https. Plain http counts on loopback, in tests (STACKLING_TESTING)."""
    parts = urlsplit(url)
    if settings.TESTING and parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise BadAddress(url=url, reason="it must be https without a user in it")


def _check_host(url: str, issuer: str) -> None:
    """Raises: BadAddress for this machine and its link; and, unless it is the issuer's own host, for every address that
    is not public, so that no discovery document leads into the operator's networks."""
    host = urlsplit(url).hostname or ""
    if settings.TESTING and _is_loopback(host):
        return
    own = not issuer or urlsplit(issuer).hostname == host
    for address in map(inet.ip_address, _resolve(host)):
        near = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
        if near or not (own or address.is_global):
            raise BadAddress(url=url, reason=f"{address} is neither public nor the issuer's own host")


def _is_loopback(host: str) -> bool:
    try:
        return inet.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _resolve(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise ProviderSilent(host=host, reason=str(error)) from None


def get_json(url: str, *, issuer: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Raises: BadAddress, ProviderSilent, ProviderRefused."""
    return _json(urllib.request.Request(url, headers={"Accept": "application/json", **(headers or {})}), issuer)


def post_form(
    url: str, form: Mapping[str, str], *, issuer: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Raises: BadAddress, ProviderSilent."""
    sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return _json(urllib.request.Request(url, urlencode(form).encode(), sent, method="POST"), issuer)


def _why(raw: bytes) -> str:
    """The words of an OAuth 2.0 error (RFC 6749, 5.2)."""
    try:
        said = json.loads(raw)
        return str(said.get("error_description") or said["error"])[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it answered 400"


def _json(request: urllib.request.Request, issuer: str) -> dict[str, Any]:
    url = request.full_url
    check_address(url)
    _check_host(url, issuer)
    host = urlsplit(url).netloc
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            raw = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 400:
                raise ProviderRefused(host=host, reason=_why(error.read(2000))) from None
            raise ProviderSilent(host=host, reason=f"{urlsplit(url).path} answered {error.code}") from None
    except (OSError, HTTPException) as error:
        raise ProviderSilent(host=host, reason=str(getattr(error, "reason", error))) from None
    if len(raw) > MOST_BYTES:
        raise ProviderSilent(host=host, reason=f"its answer is larger than {MOST_BYTES} bytes")
    try:
        found = json.loads(raw)
    except ValueError:
        raise ProviderSilent(host=host, reason="its answer is not JSON") from None
    if not isinstance(found, dict):
        raise ProviderSilent(host=host, reason="its answer is not a JSON object")
    return found
