"""Requests to identity providers: https only, to whom the operator named, small answers, no redirects, short waits."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common import fetch
from common.errors import Invalid, Unauthorized, Unavailable
from hostagent.contract import inet

TIMEOUT = 5.0
MOST_BYTES = 1024 * 1024


class BadAddress(Invalid):
    template = _("The address %(url)s of an identity provider is refused: %(reason)s.")


class ProviderSilent(Unavailable):
    template = _("The identity provider at %(host)s does not answer as it should: %(reason)s. Ask its operator, or try again in %(retry_after)s seconds.")  # fmt: skip


class ProviderRefused(Unauthorized):
    template = _("The identity provider at %(host)s refused: %(reason)s.")


def check_address(url: str) -> None:
    """Raises: BadAddress unless `url` is https. Plain http counts on loopback, in tests (STACKLING_TESTING)."""
    parts = urlsplit(url)
    if settings.TESTING and parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise BadAddress(url=url, reason=_("it must be https without a user in it"))


def _is_loopback(host: str) -> bool:
    try:
        return inet.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def get_json(url: str, *, issuer: str = "", headers: Mapping[str, str] | None = None) -> dict[str, object]:
    """Raises: BadAddress, ProviderSilent, ProviderRefused."""
    return _json(url, issuer, {"Accept": "application/json", **(headers or {})})


def post_form(
    url: str, form: Mapping[str, str], *, issuer: str, headers: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Raises: BadAddress, ProviderSilent."""
    sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return _json(url, issuer, sent, urlencode(form).encode())


def _why(raw: bytes) -> str | Promise:
    """The words of an OAuth 2.0 error (RFC 6749, 5.2)."""
    try:
        said = json.loads(raw)
        return str(said.get("error_description") or said["error"])[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _("it answered 400")


def _json(url: str, issuer: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, object]:
    """The issuer's own host may be in a private range: its operator named it. What its discovery document names may not."""
    check_address(url)
    host = urlsplit(url).netloc
    trusted = (urlsplit(issuer or url).hostname or "").lower()
    try:
        answer = fetch.ask(
            url,
            limits=fetch.Limits(MOST_BYTES, TIMEOUT),
            method="GET" if body is None else "POST",
            body=body,
            headers=headers,
            trusted=trusted,
            near=settings.TESTING and _is_loopback(trusted),
        )
        raw = answer.read()
    except fetch.FetchRefused as error:
        raise BadAddress(**{**error.data, "url": url, "reason": error.data["why"]}) from None
    except fetch.NotReached as error:
        raise ProviderSilent(**{**error.data, "host": host, "reason": error.data["why"]}) from None
    if answer.status == 400:
        raise ProviderRefused(host=host, reason=_why(raw))
    if not 200 <= answer.status < 300:
        raise ProviderSilent(
            host=host, reason=_("%(path)s answered %(status)s"), path=urlsplit(url).path, status=answer.status
        )
    try:
        found = json.loads(raw)
    except ValueError:
        raise ProviderSilent(host=host, reason=_("its answer is not JSON")) from None
    if not isinstance(found, dict):
        raise ProviderSilent(host=host, reason=_("its answer is not a JSON object"))
    return found
