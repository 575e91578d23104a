"""Records of sign-ins: who, by which methods, from where, and how it went. A name that nobody has is not written down: people
type passwords there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

from audit import cadf, context, records
from authorization.context import RequestContext
from common.errors import Forbidden, NotFound, Unauthorized
from identity.auth.receipts import MethodsTooFew
from identity.models import ApplicationCredential, User

ACTION = "authenticate"
_TOLD = records.SIGN_IN
#: Counted beside another of the same try.
_TWICE = frozenset({"totp alone"})
_METHODS = frozenset(
    {
        *("password", "token", "totp", "application_credential", "oauth1", "mapped", "openid", "saml2", "external"),
        *("ec2credential", "recovery", "receipt", "credential", "code", "webauthn", "passkey"),
    }
)


def signed_in(actor: RequestContext) -> None:
    """Record that a token was issued, or a session opened."""
    records.frequent(
        ACTION,
        target=(cadf.USER, actor.user_id, actor.user_name),
        actor=actor,
        project_id=actor.project_id or "",
        domain_id=actor.domain_id or actor.project_domain_id or actor.user_domain_id,
    )


def pending(user: User, methods: tuple[str, ...]) -> None:
    """Record a sign-in of which one part is proven and more is asked for."""
    _tell()
    about: dict[str, Any] = _about(user)
    records.frequent(ACTION, outcome=cadf.PENDING, methods=methods, **about)


def failed(kind: str, words: tuple[str | None, ...], source: str) -> None:
    """Record that something was tried and is wrong (identity.auth.attempts)."""
    if kind in _TWICE:
        return
    _refused(_tried(kind, words), (kind,), source)


@contextmanager
def signing_in(methods: tuple[str, ...]) -> Iterator[None]:
    """Record an error raised inside as a failed sign-in, unless it was recorded already."""
    try:
        yield
    except MethodsTooFew as error:
        user = User.objects.filter(pk=error.user_id).first()
        if user is not None:
            pending(user, tuple(error.methods))
        raise
    except (Unauthorized, Forbidden, NotFound) as error:
        now = context.current()
        if now is not None and _TOLD not in now.told:
            id = error.data.get("user_id")
            _refused(User.objects.filter(pk=id).first() if id else None, methods)
        raise


def _tell() -> None:
    now = context.current()
    if now is not None:
        now.told.add(_TOLD)


def _refused(user: User | None, methods: tuple[str, ...], source: str = "") -> None:
    """A method is a word that clients write: only known ones are kept."""
    _tell()
    methods = tuple(sorted({name if name in _METHODS else "other" for name in methods[:8]}))
    about: dict[str, Any] = (
        _about(user) if user is not None else {"target": (cadf.USER, "", ""), "actor": RequestContext(user_id="")}
    )
    reason = {"reasonType": "HTTP", "reasonCode": "401"}
    records.refused(ACTION, methods=methods, reason=reason, source=source, **about)


def _about(user: User) -> dict[str, object]:
    who = RequestContext(user_id=user.pk, user_name=user.name, user_domain_id=user.domain_id)
    return {"target": (cadf.USER, user.pk, user.name), "actor": who, "domain_id": user.domain_id}


def _tried(kind: str, words: tuple[str | None, ...]) -> User | None:
    """The user whose name, id or credential it was, if there is one."""
    id, name, home = (*words, None, None, None)[:3]
    if kind == "application_credential":
        row = ApplicationCredential.objects.select_related("user").filter(pk=id).first() if id else None
        return row.user if row is not None else None
    if id:
        return User.objects.filter(pk=id).first()
    return User.objects.filter(name=name, domain_id=home).first() if name and home else None


def signed_out(actor: RequestContext) -> None:
    records.record(f"{ACTION}/logout", target=(cadf.USER, actor.user_id, actor.user_name), actor=actor, **_scope(actor))


def revoked(what: str, id: str, owner_id: str) -> None:
    """Record that a token, a session, or all of a user's stopped counting, by whoever asks. `id` opens nothing: an audit id or a name."""
    now = context.current()
    actor = now.actor if now is not None else None
    records.record(
        "revoke",
        target=(f"data/security/credential/{what}", id or owner_id, ""),
        **_scope(actor),
    )


class _Scope(TypedDict):
    project_id: str
    domain_id: str


def _scope(actor: RequestContext | None) -> _Scope:
    if actor is None:
        return {"project_id": "", "domain_id": ""}
    return {
        "project_id": actor.project_id or "",
        "domain_id": actor.domain_id or actor.project_domain_id or actor.user_domain_id,
    }
