"""Forms sent after the session ended: kept in the page that asks for the password, and resubmitted after sign-in."""

import json
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest

from authorization.context import RequestContext
from identity.assignments.effective import Scope
from identity.auth import passwords
from identity.models import PortalSession, User
from identity.signin.store import data_of

_SALT = "portal.page"
#: A page that has been open for longer than this is loaded anew.
OLDEST = 7 * 24 * 3600


def seal(actor: RequestContext) -> str:
    """Sign a page's user and scope, so that only this user goes on there after signing in again. Valid for 7 days."""
    kind, id = ("project", actor.project_id) if actor.project_id else ("domain", actor.domain_id)
    return _sealed(actor.user_id, Scope(kind, id) if id else Scope())


def _sealed(user_id: str, scope: Scope) -> str:
    return signing.dumps([user_id, scope.kind, scope.id], salt=_SALT, compress=True)


def unseal(text: str) -> tuple[User, Scope] | None:
    try:
        user_id, kind, id = signing.loads(text, salt=_SALT, max_age=OLDEST)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.select_related("domain").filter(pk=user_id).first()
    return (user, Scope(kind, id)) if user is not None else None


def ended(request: HttpRequest) -> tuple[User, Scope] | None:
    """Find the user and scope of this browser's session that timed out; None without a session or user."""
    row = (
        PortalSession.objects.filter(pk=request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""))
        .select_related("user__domain")
        .first()
    )
    if row is None or row.user is None:
        return None
    data = data_of(row)
    return row.user, Scope(data.get("scope_kind", ""), data.get("scope_id", ""))


#: Forms with these are typed anew: nobody's password waits in a page.
_SECRET = frozenset({"password", "current", "new", "code", "credential"})


def fields(request: HttpRequest) -> list[tuple[str, str]]:
    """List the fields sent, without the CSRF token, files and what a form calls `secret-…`; none at all if a password is among them."""
    if _SECRET & request.POST.keys():
        return []
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and not name.startswith("secret-") and isinstance(value, str)
    ]


def context(request: HttpRequest) -> dict[str, Any]:
    """Build the context of the page that asks for the password: the kept form, the user and a signed scope."""
    actor = getattr(request, "actor", None)
    known = unseal(seal(actor)) if actor else ended(request)
    kept = fields(request)
    context = {"held": json.dumps(kept) if kept else "", "next": request.get_full_path(), "step": "password"}
    if known is None:
        return context
    user, scope = known
    own = {"who": user.name, "domain": user.domain.name, "has_password": passwords.has(user)}
    return {**context, **own, "whose": _sealed(user.pk, scope)}


def read(text: str) -> list[tuple[str, str]]:
    """Read the fields of a held form as its page sends them back; none when they are no such thing."""
    try:
        found = json.loads(text)
        return [(str(name), str(value)) for name, value in found]
    except (ValueError, TypeError):
        return []
