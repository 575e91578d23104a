"""Checking OAuth 1.0a signatures (RFC 5849), with oauthlib doing the arithmetic.

Methods with RSA need a public key of the consumer, and consumers have a secret only, here as in Keystone.
"""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header, unescape

from common.clock import now
from common.errors import Invalid, Unauthorized
from identity.models import AccessToken, Consumer, Nonce

#: oauth_signature_method → how oauthlib checks it: (request, consumer's secret, token's secret) → bool.
METHODS: dict[str, Callable[..., bool]] = {
    "HMAC-SHA1": signature.verify_hmac_sha1,
    "HMAC-SHA256": signature.verify_hmac_sha256,
    "HMAC-SHA512": signature.verify_hmac_sha512,
    "PLAINTEXT": signature.verify_plaintext,
}
#: Seconds by which a request's time may differ from ours.
WINDOW = 600


class BadOAuthSignature(Unauthorized):
    formerly = ("BadSignature",)
    template = _("Invalid signature.")


class MissingParameter(Invalid):
    template = _("Expecting to find %(name)s in request.")


def parameters(request: Any) -> dict[str, str]:
    """Return the oauth_* parameters of the Authorization header. Raises: MissingParameter."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    try:
        pairs = parse_authorization_header(header) if header.lower().startswith("oauth ") else []
    except ValueError:
        raise MissingParameter(name=_("a well-formed Authorization header")) from None
    return {name: unescape(value) for name, value in pairs}


def need(found: dict[str, str], name: str) -> str:
    if not found.get(name):
        raise MissingParameter(name=name)
    return found[name]


def check(request: Any, consumer: Consumer, token_secret: str = "") -> None:
    """Raises: BadOAuthSignature, also for an old request and for one that was seen before."""
    found = parameters(request)
    verify = METHODS.get(found.get("oauth_signature_method", ""))
    if verify is None or not found.get("oauth_signature"):
        raise BadOAuthSignature()
    url = request.build_absolute_uri()
    header = {"Authorization": request.META["HTTP_AUTHORIZATION"]}
    query = request.META.get("QUERY_STRING", "")
    params = signature.collect_parameters(uri_query=query, headers=header, exclude_oauth_signature=True)
    signed = SimpleNamespace(uri=url, http_method=request.method, params=params, signature=found["oauth_signature"])
    if not verify(signed, consumer.secret, token_secret):
        raise BadOAuthSignature()
    _once(consumer.pk, found)


def _once(consumer_id: str, found: dict[str, str]) -> None:
    try:
        moment = int(found.get("oauth_timestamp", ""))
    except ValueError:
        raise BadOAuthSignature() from None
    if abs(time.time() - moment) > WINDOW:
        raise BadOAuthSignature()
    Nonce.objects.filter(timestamp__lt=int(time.time()) - WINDOW).delete()
    try:
        with transaction.atomic():
            Nonce.objects.create(consumer_id=consumer_id, nonce=found.get("oauth_nonce", "")[:64], timestamp=moment)
    except IntegrityError:
        raise BadOAuthSignature() from None


def check_access(request: object) -> AccessToken:
    """Return the access token that signed a request for a token. Raises: MissingParameter, BadOAuthSignature."""
    found = parameters(request)
    token_id = need(found, "oauth_token")
    row = AccessToken.objects.select_related("consumer").filter(pk=token_id).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now()):
        raise BadOAuthSignature()
    if found.get("oauth_consumer_key") != row.consumer_id:
        raise BadOAuthSignature()
    check(request, row.consumer, row.secret)
    return row
