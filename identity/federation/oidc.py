"""OpenID Connect as a client: discovery, keys, and what a provider's tokens say, verified.

Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, 7636 (PKCE), 7662 (introspection), 9068 (JWT access tokens).
"""

import base64
import hmac
import time
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import extract_compact

from common.errors import Unauthorized
from identity.federation import fetching
from identity.federation.models import CLIENT_SECRET
from identity.models import Client
from keystore.encryption import decrypt

Claims = dict[str, Any]

#: Signatures that are taken: asymmetric ones only, so that no client secret can sign a token.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
#: Seconds by which a provider's clock may differ from ours.
LEEWAY = 60
#: Seconds for which a discovery document or a key set is kept; and the least between two looks for an unknown key.
KEEP, AGAIN = 3600.0, 30.0

_documents: dict[str, tuple[float, Claims]] = {}
_keys: dict[str, tuple[float, KeySet]] = {}


class BadProviderToken(Unauthorized):
    formerly = ("BadToken",)
    template = _("The identity provider's token is not valid: %(reason)s.")


def forget() -> None:
    """Drop what was fetched, after a client's settings changed."""
    _documents.clear()
    _keys.clear()


def discover(issuer: str) -> Claims:
    """Return the issuer's discovery document. Raises: BadAddress, ProviderSilent."""
    known = _documents.get(issuer)
    if known is not None and time.monotonic() - known[0] < KEEP:
        return known[1]
    found = fetching.get_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise fetching.ProviderSilent(host=issuer, reason=_("its discovery document names another issuer"))
    _documents[issuer] = (time.monotonic(), found)
    return found


def endpoint(issuer: str, name: str) -> str:
    """Return an address of the discovery document. Raises: BadAddress, ProviderSilent."""
    url = discover(issuer).get(name)
    if not isinstance(url, str):
        raise fetching.ProviderSilent(host=issuer, reason=_("its discovery document has no %(name)s"), name=name)
    return url


def _key_set(issuer: str, *, anew: bool = False) -> KeySet:
    known = _keys.get(issuer)
    age = time.monotonic() - known[0] if known is not None else KEEP
    if known is not None and age < (AGAIN if anew else KEEP):
        return known[1]
    found = fetching.get_json(endpoint(issuer, "jwks_uri"), issuer=issuer)
    listed = found.get("keys")
    keys = KeySet([key for one in (listed if isinstance(listed, list) else []) if (key := _key(one))])
    if not keys.keys:
        raise fetching.ProviderSilent(host=issuer, reason=_("its key set has no key that we know"))
    _keys[issuer] = (time.monotonic(), keys)
    return keys


def _key(one: Any) -> Any:
    """A public key that signs, or None for one of another kind: a provider may list those too."""
    if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC", "OKP") or one.get("use") == "enc":
        return None
    try:
        return import_key(one)
    except (JoseError, ValueError, KeyError, TypeError):
        return None


# ── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_jwt(text: str) -> bool:
    """Whether a bearer token can be verified here; else the provider is asked about it."""
    try:
        return text.count(".") == 2 and "alg" in extract_compact(text.encode()).headers()
    except (JoseError, ValueError):
        return False


def verified(client: Client, text: str) -> Claims:
    """Return the claims of a JWT that the client's issuer signed, unexpired and made for us.

    Raises: BadProviderToken, BadAddress, ProviderSilent.
    """
    issuer = client.issuer
    try:
        token = _decoded(text, _key_set(issuer))
    except (JoseError, ValueError):
        try:  # the provider may have changed its keys since we looked
            token = _decoded(text, _key_set(issuer, anew=True))
        except (JoseError, ValueError):
            raise BadProviderToken(reason=_("its form or its signature is wrong")) from None
    claims = dict(token.claims)
    if str(claims.get("iss", "")).rstrip("/") != issuer.rstrip("/"):
        raise BadProviderToken(reason=_("another issuer made it"))
    check_times(claims)
    check_audience(client, claims)
    return claims


def _decoded(text: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(text, keys, algorithms=ALGORITHMS)


def check_times(claims: Claims) -> None:
    """Raises: BadProviderToken without an end, after it, or before its beginning."""
    moment = time.time()
    try:
        ends, begins = float(claims["exp"]), float(claims.get("nbf", 0))
    except (KeyError, TypeError, ValueError):
        raise BadProviderToken(reason=_("it has no end")) from None
    if ends + LEEWAY <= moment:
        raise BadProviderToken(reason=_("it has expired"))
    if begins - LEEWAY > moment:
        raise BadProviderToken(reason=_("it is not valid yet"))


def check_audience(client: Client, claims: Claims) -> None:
    """Raises: BadProviderToken unless the token was made for our client id or an audience that the operator named."""
    stated = claims.get("aud", [])
    found = [*(stated if isinstance(stated, list) else [stated]), claims.get("azp"), claims.get("client_id")]
    if not {one for one in found if isinstance(one, str)} & {client.client_id, *client.audiences}:
        raise BadProviderToken(reason=_("it was not made for the client %(client)s"), client=client.client_id)


def _ask(client: Client, name: str, form: dict[str, str]) -> Claims:
    """POST to one of the provider's endpoints, with our own proof (RFC 6749, 2.3.1; a public client has none).

    In the form where the provider takes that: providers disagree on how a secret is quoted in a Basic header.
    """
    url = endpoint(client.issuer, name)
    if not client.encrypted_secret:
        return fetching.post_form(url, {**form, "client_id": client.client_id}, issuer=client.issuer)
    secret = decrypt(client.encrypted_secret, CLIENT_SECRET(client.pk))
    if "client_secret_post" in discover(client.issuer).get("token_endpoint_auth_methods_supported", ()):
        proof = {"client_id": client.client_id, "client_secret": secret}
        return fetching.post_form(url, {**form, **proof}, issuer=client.issuer)
    pair = f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return fetching.post_form(url, form, issuer=client.issuer, headers=headers)


def introspected(client: Client, text: str) -> Claims:
    """Introspect an opaque access token at the provider. Raises: BadProviderToken, BadAddress, ProviderSilent."""
    claims = _ask(client, "introspection_endpoint", {"token": text})
    if claims.get("active") is not True:
        raise BadProviderToken(reason=_("the provider says that it is not active"))
    if claims.get("iss") and str(claims["iss"]).rstrip("/") != client.issuer.rstrip("/"):
        raise BadProviderToken(reason=_("another issuer made it"))
    check_audience(client, claims)
    return {**claims, "iss": client.issuer}


def with_userinfo(client: Client, claims: Claims, access_token: str) -> Claims:
    """`claims` and what the userinfo endpoint adds to them. Raises: BadProviderToken, BadAddress, ProviderSilent."""
    if "userinfo_endpoint" not in discover(client.issuer):
        return claims
    headers = {"Authorization": f"Bearer {access_token}"}
    found = fetching.get_json(endpoint(client.issuer, "userinfo_endpoint"), issuer=client.issuer, headers=headers)
    if found.get("sub") != claims.get("sub"):
        raise BadProviderToken(reason=_("its userinfo is about someone else"))
    return {**found, **claims}


def bearer(client: Client, text: str) -> Claims:
    """Claims of a bearer token: an ID token, a JWT access token or an opaque one.

    Raises: BadProviderToken, BadAddress, ProviderSilent.
    """
    claims = verified(client, text) if is_jwt(text) else introspected(client, text)
    is_id_token = "nonce" in claims or "at_hash" in claims or claims.get("typ") == "ID"
    scopes = str(claims.get("scope", "")).split()
    if is_id_token or "openid" not in scopes:  # userinfo takes access tokens of the scope openid only
        return claims
    return with_userinfo(client, claims, text)


# ── The authorization-code flow ─────────────────────────────────────────────────────────────────────────────────────


def exchanged(client: Client, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Claims:
    """Return the claims behind a code that the provider sent. Raises: BadProviderToken, BadAddress, ProviderSilent."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    answer = _ask(client, "token_endpoint", form)
    if not isinstance(answer.get("id_token"), str):
        raise BadProviderToken(reason=_("the provider sent no ID token; is openid among the client's scopes?"))
    claims = verified(client, answer["id_token"])
    if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
        raise BadProviderToken(reason=_("it belongs to another sign-in"))
    access = answer.get("access_token")
    return with_userinfo(client, claims, access) if isinstance(access, str) else claims
