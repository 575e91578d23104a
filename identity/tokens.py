"""Fernet tokens: what they hold, and how a token becomes an RequestContext.

A token is validated inside the process: decrypted, checked against revocation events, its roles computed; the answer is
cached until something changes for it (`identity.revocation`), of which every process reads at most once a second.
"""

import base64
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgpack
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common import metrics
from common.clock import now
from common.errors import NotFound, Unauthorized
from identity import actors, personal, tokenkeys
from identity.assignments.effective import Scope
from identity.revocation import services as revocation

METHODS = (
    *("password", "token", "totp", "application_credential", "oauth1", "mapped", "openid", "saml2", "external"),
    "ec2credential",
)
_KINDS = ("", "project", "domain", "system")
_CACHE_SIZE = 20_000


class TokenNotFound(NotFound):
    template = _("This is not a recognized Fernet token.")


class BadToken(Unauthorized):
    template = _("The request you have made requires authentication.")


@dataclass(frozen=True, slots=True)
class Token:
    """Content of a token's text. `audit_ids` is (own,) or (own, first of the chain)."""

    user_id: str
    methods: tuple[str, ...]
    scope: Scope
    issued_at: datetime
    expires_at: datetime
    audit_ids: tuple[str, ...]
    delegation: actors.Delegation = field(default_factory=actors.Delegation)


def audit_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()


def _pack_id(value: str) -> bytes | str:
    try:
        packed = bytes.fromhex(value)
    except ValueError:
        return value
    return packed if packed.hex() == value else value


def _unpack_id(value: bytes | str) -> str:
    return value.hex() if isinstance(value, bytes) else value


def issue(
    user_id: str,
    scope: Scope,
    methods: tuple[str, ...],
    *,
    parent: Token | None = None,
    delegation: actors.Delegation | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, RequestContext]:
    """Issue a token: its text and the RequestContext that it means. One made from `parent` expires with it and continues its audit chain.

    Raises: TokenNotFound when it would mean nobody: user, scope or delegation is gone, disabled or without a role.
    """
    mark = revocation.mark(fresh=True)
    moment = now()
    limit = parent.expires_at if parent else moment + timedelta(seconds=settings.TOKEN_LIFETIME)
    if expires_at is not None:
        limit = min(limit, expires_at)
    audit = (audit_id(),) + ((parent.audit_ids[-1],) if parent else ())
    limit = limit.replace(microsecond=0)
    token = Token(user_id, methods, scope, moment, limit, audit, delegation or actors.Delegation())
    known = _known(token, mark)
    text = tokenkeys.fernet().encrypt(_pack(token)).decode().rstrip("=")
    _remember(text, known)
    metrics.tokens.labels("+".join(sorted(methods))).inc()
    return text, known.actor


def _pack(token: Token) -> bytes:
    bits = sum(1 << METHODS.index(method) for method in token.methods)
    audit = [base64.urlsafe_b64decode(part + "==") for part in token.audit_ids]
    times = [token.issued_at.timestamp(), int(token.expires_at.timestamp())]
    scope = [_KINDS.index(token.scope.kind), _pack_id(token.scope.id)]
    packed: bytes = msgpack.packb([1, _pack_id(token.user_id), bits, *scope, *times, audit, token.delegation.as_dict()])
    return packed


def read(text: str) -> Token:
    """Decrypt a token's text, expired or not. Raises: TokenNotFound when it is not one of ours."""
    try:
        raw = tokenkeys.fernet().decrypt((text + "=" * (-len(text) % 4)).encode())
    except (InvalidToken, ValueError, TypeError):
        raise TokenNotFound() from None
    _version, user, bits, kind, scope, issued, expires, audit, delegation = msgpack.unpackb(raw)
    return Token(
        user_id=_unpack_id(user),
        methods=tuple(method for index, method in enumerate(METHODS) if bits >> index & 1),
        scope=Scope(_KINDS[kind], _unpack_id(scope)),
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        audit_ids=tuple(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in audit),
        delegation=actors.Delegation.from_dict(delegation),
    )


class _Known(NamedTuple):
    mark: revocation.Mark
    ends: float  # seconds since 1970
    facts: tuple[str, ...]
    actor: RequestContext


_cache: dict[str, _Known] = {}


def actor_from_token(text: str, request_id: str = "", *, fresh: bool = False) -> RequestContext:
    """Return the caller of a request with this token. `fresh` re-reads the epoch now, for answers that must not lag.

    Raises: Unauthorized when the token is unknown, expired, revoked, or means nobody any more.
    """
    try:
        return validate(text, fresh=fresh).with_request(request_id)
    except TokenNotFound:
        raise BadToken() from None


def validate(text: str, *, fresh: bool = False, allow_expired: bool = False) -> RequestContext:
    """Return the RequestContext of a token. Raises: TokenNotFound."""
    mark = revocation.mark(fresh=fresh)
    known = _cache.get(text)
    moment = now()
    if known is not None and known.ends > moment.timestamp() and revocation.is_current(known.mark, known.facts):
        if known.mark != mark:
            _cache[text] = known._replace(mark=mark)
        return known.actor
    token = read(text)
    if token.expires_at <= moment and not allow_expired:
        raise TokenNotFound()
    known = _known(token, mark)
    if token.expires_at > moment:
        _remember(text, known)
    return known.actor


def _known(token: Token, mark: revocation.Mark) -> _Known:
    """Look up what a token means as of `mark`. Raises: TokenNotFound when it means nobody or is revoked."""
    actor = _actor_of(token)
    facts = facts_of(token, actor)
    if revocation.is_revoked(issued_at=token.issued_at, facts=facts):
        raise TokenNotFound()
    return _Known(mark, token.expires_at.timestamp(), _watched(token, facts), actor)


def _remember(text: str, known: _Known) -> None:
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[text] = known


def _actor_of(token: Token) -> RequestContext:
    try:
        return actors.build(
            token.user_id,
            token.scope,
            delegation=token.delegation,
            methods=token.methods,
            audit_ids=token.audit_ids,
            issued_at=token.issued_at,
            expires_at=token.expires_at,
        )
    except Unauthorized:
        raise TokenNotFound() from None


def facts_of(token: Token, actor: RequestContext) -> tuple[str, ...]:
    """Facts of this token that a revocation can be about, as ("user_id:…", …)."""
    return facts_about(token.user_id, token.audit_ids, token.delegation, actor)


def facts_about(
    user_id: str, audit_ids: tuple[str, ...], delegation: actors.Delegation, actor: RequestContext
) -> tuple[str, ...]:
    """As `facts_of`, of a token whose text is not at hand."""
    found: list[tuple[str, str | None]] = [
        ("user_id", user_id),
        ("audit_id", audit_ids[0]),
        ("audit_chain_id", audit_ids[-1]),
    ]
    found += [("domain_id", id) for id in {actor.user_domain_id, actor.project_domain_id, actor.domain_id}]
    found += [("project_id", actor.project_id), ("trust_id", actor.trust_id), ("app_cred_id", delegation.app_cred_id)]
    found += [("consumer_id", delegation.consumer_id), ("access_token_id", delegation.access_token_id)]
    return tuple(f"{kind}:{id}" for kind, id in found if id)


def _watched(token: Token, facts: tuple[str, ...]) -> tuple[str, ...]:
    """Facts of which a change voids the cache of this token: `facts`, and those of its user's shares."""
    return (*facts, *personal.facts_of(token.user_id))


def revoke(text: str, *, chain: bool = False) -> None:
    """Revoke a token: it stops counting here at once, in every process within a second. `chain`: those made from it too."""
    token = read(text)
    about: dict[str, Any] = {"owner": token.user_id, "token_issued_at": token.issued_at}
    revocation.revoke(audit_id=token.audit_ids[0], **about)
    if chain:
        revocation.revoke(audit_chain_id=token.audit_ids[0], **about)
    _cache.pop(text, None)
