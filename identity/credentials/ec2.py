"""Requests signed with an EC2 or S3 key pair: checking them for the services that received them (ec2tokens, s3tokens).

Sources: AWS signature versions 2 and 4, S3's of before; Keystone's ec2tokens and s3tokens.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Invalid, NotFound, Unauthorized
from common.numbers import is_whole
from identity import actors, tokens
from identity.assignments.effective import Scope
from identity.auth import auditing
from identity.credentials.places import BLOB
from identity.credentials.services import hash_access
from identity.models import Credential
from identity.resource import enforce
from keystore.encryption import decrypt

Body = dict[str, Any]
#: How old a signed request may be (Keystone's [credential] auth_ttl).
LIFETIME = timedelta(minutes=15)
V4 = "AWS4-HMAC-SHA256"
S3_SERVICES = ("s3", "iam", "sts")


class NoKey(NotFound):
    template = _("EC2 access key not found.")


class BadSignature(Unauthorized):
    template = _("The signature of the request is not valid: %(reason)s.")


class NoCredentials(Invalid):
    template = _("The request must have credentials: access, signature and what was signed.")


def ec2_token(actor: RequestContext, sent: Body) -> tuple[str, RequestContext]:
    """Issue a token for whoever signed an EC2 request. Raises: Forbidden, NoKey, BadSignature."""
    enforce(actor, "identity:ec2tokens_validate")
    return _signed_in(sent, _check_ec2)


def s3_token(actor: RequestContext, sent: Body) -> tuple[str, RequestContext]:
    """Issue a token for whoever signed an S3 request. Raises: Forbidden, NoKey, BadSignature."""
    enforce(actor, "identity:s3tokens_validate")
    return _signed_in(sent, _check_s3)


def _signed_in(sent: Body, check: object) -> tuple[str, RequestContext]:
    with auditing.signing_in(("ec2credential",)):
        text, actor = _token(sent, check)
    auditing.signed_in(actor)
    return text, actor


def _token(sent: Body, check: Any) -> tuple[str, RequestContext]:
    credentials = sent.get("credentials") or sent.get("credential") or sent.get("ec2Credentials")
    if not isinstance(credentials, dict) or not isinstance(credentials.get("access"), str):
        raise NoCredentials()
    row = Credential.objects.filter(pk=hash_access(credentials["access"]), type="ec2").first()
    if row is None or row.project_id is None:
        raise NoKey()
    blob = orjson.loads(decrypt(row.encrypted_blob, BLOB(row.pk)))
    if not isinstance(credentials.get("signature"), str):
        raise BadSignature(reason=_("it is missing"))
    check(str(blob["secret"]), credentials)
    _check_time(credentials)
    return _issued(row, blob)


def _issued(row: Credential, blob: Body) -> tuple[str, RequestContext]:
    """A token with the right of the key: the user's own, or what the key was made with."""
    delegation = actors.Delegation(
        trust_id=blob.get("trust_id"), app_cred_id=blob.get("app_cred_id"), access_token_id=blob.get("access_token_id")
    )
    user_id = row.user_id
    if delegation.trust_id:
        user_id = _trustee(delegation.trust_id)
    scope = Scope("project", row.project_id or "")
    try:
        return tokens.issue(user_id, scope, ("ec2credential",), delegation=delegation)
    except tokens.TokenNotFound:
        raise BadSignature(
            reason=_("its user has no role on the project of the key, or one of them is disabled")
        ) from None


def _trustee(trust_id: str) -> str:
    from identity.models import Trust

    found = Trust.objects.filter(pk=trust_id, deleted_at=None).values_list("trustee_id", flat=True).first()
    if found is None:
        raise BadSignature(reason=_("the trust of the key is gone"))
    return str(found)


# ── Times ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_time(credentials: Body) -> None:
    """Raises: BadSignature for a time that is missing, unreadable, long ago or yet to come: a signature is not for ever.

    Keystone lets a signer leave the time out; its own client and those of AWS do not.
    """
    params, headers = _dict(credentials, "params"), _dict(credentials, "headers")
    heads = {str(name).lower(): value for name, value in headers.items()}
    text = (
        params.get("Timestamp")
        or heads.get("x-amz-date")
        or params.get("X-Amz-Date")
        or params.get("Expires")
        or heads.get("date")
        or _signed_time(credentials)
    )
    if not text:
        raise BadSignature(reason=_("it says no time"))
    moment = _moment(str(text))
    if moment is None:
        raise BadSignature(reason=_("its time %(text)s is not one"), text=str(text)[:40])
    if now() > moment + LIFETIME:
        raise BadSignature(reason=_("it has expired"))
    if moment > now() + LIFETIME:
        raise BadSignature(reason=_("its time is yet to come"))


def _signed_time(credentials: Body) -> str:
    """The time in what an S3 request signed: version 4's second line, or else the Date, or x-amz-date, of before."""
    try:
        lines = base64.urlsafe_b64decode(str(credentials.get("token", "")).encode()).decode().split("\n")
    except (binascii.Error, ValueError):
        return ""
    if lines[0] == V4:
        return lines[1] if len(lines) > 1 else ""
    named = [line.partition(":")[2] for line in lines if line.lower().startswith("x-amz-date:")]
    return (named or lines[3:4] or [""])[0].strip()


def _moment(text: str) -> datetime | None:
    """ISO 8601 in either spelling, seconds since 1970, or a header's Date (RFC 9110 5.6.7)."""
    try:
        if is_whole(text) and len(text) <= 12:
            return datetime.fromtimestamp(int(text), UTC)
        found = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _dict(credentials: Body, name: str) -> Body:
    found = credentials.get(name)
    return found if isinstance(found, dict) else {}


# ── EC2 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_ec2(secret: str, credentials: Body) -> None:
    """With the host as sent, then without its port: some clients leave that out."""
    host = str(credentials.get("host", ""))
    hosts = [host, *([urlsplit(f"//{host}").hostname or ""] if ":" in host else [])]
    given = credentials["signature"]
    if not any(hmac.compare_digest(given, _ec2(secret, credentials, one)) for one in hosts):
        raise BadSignature(reason=_("it does not fit"))


def _ec2(secret: str, credentials: Body, host: str) -> str:
    params = {str(name): str(value) for name, value in _dict(credentials, "params").items()}
    headers = {str(name).lower(): str(value) for name, value in _dict(credentials, "headers").items()}
    if params.get("SignatureVersion") == "2":
        return _version_2(secret, credentials, params, host)
    if headers.get("authorization", "").startswith(V4) or params.get("X-Amz-Algorithm") == V4:
        return _version_4(secret, credentials, params, {"host": host, **headers})
    raise BadSignature(reason=_("only signature versions 2 and 4 are taken"))


def _sha1(secret: str, text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _version_2(secret: str, credentials: Body, params: Body, host: str) -> str:
    query = _query({**params, "SignatureMethod": "HmacSHA256"})  # SHA-1 is not taken
    lines = (str(credentials.get("verb", "")), host, str(credentials.get("path", "")), query)
    return base64.b64encode(hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()).decode()


def _query(params: Body) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(params[name], safe='-_~')}" for name in sorted(params))


def _version_4(secret: str, credentials: Body, params: Body, headers: Body) -> str:
    """The signature of a request whose Authorization header, or query, says what was signed and for where."""

    def said(name: str) -> str:
        header = headers.get("authorization", "")
        return header.partition(f"{name}=")[2].split(",")[0] if header else str(params.get(f"X-Amz-{name}", ""))

    scope = said("Credential").split("/")[1:]
    date = headers.get("x-amz-date") or params.get("X-Amz-Date", "")
    if len(scope) != 4 or not scope[0] or not date.startswith(scope[0]):
        raise BadSignature(reason=_("its credential scope is not one of its date"))
    verb = str(credentials.get("verb", "")).upper()
    query = {name: value for name, value in params.items() if name != "X-Amz-Signature"}
    signed = [name for name in said("SignedHeaders").split(";") if name in headers]
    request = (
        verb,
        str(credentials.get("path", "")),
        "" if verb == "POST" else _query(query),
        "".join(f"{name}:{headers[name].strip()}\n" for name in signed),
        said("SignedHeaders"),
        str(credentials.get("body_hash", "")),
    )
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    text = "\n".join((V4, date, "/".join(scope), digest))
    key = _scope_key(secret, [*scope[:3], "aws4_request"])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _scope_key(secret: str, scope: list[str]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


# ── S3 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_s3(secret: str, credentials: Body) -> None:
    """`token` is, in base64, the text that was signed."""
    try:
        text = base64.urlsafe_b64decode(str(credentials["token"]).encode()).decode()
    except (KeyError, binascii.Error, ValueError):
        raise BadSignature(reason=_("what was signed is missing")) from None
    wanted = _s3_version_4(secret, text) if text.startswith("AWS4") else _sha1(secret, text)
    if not hmac.compare_digest(credentials["signature"], wanted):
        raise BadSignature(reason=_("it does not fit"))


def _s3_version_4(secret: str, text: str) -> str:
    lines = text.split("\n")
    scope = lines[2].split("/") if len(lines) == 4 and lines[0] == V4 else []
    if len(scope) != 4 or scope[3] != "aws4_request" or scope[2] not in S3_SERVICES:
        raise BadSignature(reason=_("its credential scope is not one"))
    return hmac.new(_scope_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()
