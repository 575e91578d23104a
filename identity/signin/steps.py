"""A sign-in that takes more than one step: what is proven so far waits in the browser's session."""

import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Unauthorized
from identity.assignments.effective import Scope
from identity.models import User
from identity.signin.mfa import keys, recovery
from identity.signin.mfa import services as mfa
from identity.signin.store import HALF_WAY
from openstackapi.client import address_of

_KEY = "sign_in"
#: Wrong codes until the password is asked for again.
ATTEMPTS = 5


class MoreNeeded(Unauthorized):
    template = _("A second factor is needed.")


class WrongFactor(Unauthorized):
    template = _("This code is wrong, or was used before.")


class StartOver(Unauthorized):
    template = _("This sign-in took too long or met too many wrong codes. Type the password again.")


@dataclass(frozen=True)
class Pending:
    """A user whose sign-in is half done, and the ways in which it may go on."""

    user: User
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Proven:
    """Result of a finished sign-in: the methods, where to go on, and by which provider and protocol the user came."""

    methods: tuple[str, ...]
    scope: Scope | None
    through: list[str] | None


def add(request: HttpRequest, user: User, method: str, scope: Scope | None, through: tuple[str, str] | None) -> Proven:
    """Return all that is proven for the user now. Raises: MoreNeeded, NoFactor."""
    held = _held(request, user.pk)
    methods = tuple(dict.fromkeys((*held.get("methods", ()), method)))
    wanted = scope or (Scope(*held["scope"]) if held.get("scope") else None)
    came = list(through) if through else held.get("through")
    request.session.pop(_KEY, None)
    if mfa.lacking(user, methods):
        if not held:
            request.session.cycle_key()  # nobody who planted the key before can go on with it
        request.session[_KEY] = {
            "user": user.pk,
            "methods": list(methods),
            "at": time.time(),
            "scope": [wanted.kind, wanted.id] if wanted else None,
            "through": came,
            "wrong": 0,
        }
        raise MoreNeeded()
    return Proven(methods, wanted, came)


def _held(request: HttpRequest, user_id: str = "") -> dict[str, Any]:
    found: dict[str, Any] = request.session.get(_KEY) or {}
    if not found or time.time() - found["at"] > HALF_WAY.total_seconds() or found["wrong"] >= ATTEMPTS:
        return {}
    return found if user_id in ("", found["user"]) else {}


def pending(request: HttpRequest) -> Pending | None:
    held = _held(request)
    user = User.objects.select_related("domain").filter(pk=held["user"]).first() if held else None
    if user is None or not user.enabled or not user.domain.enabled:
        return None
    return Pending(user, mfa.lacking(user, tuple(held["methods"])))


def check(request: HttpRequest, way: str, answer: Any) -> User:
    """Return the half-way user, when the answer is right: a code, or what a key said.

    Raises: WrongFactor, WrongKey, StartOver.
    """
    found = pending(request)
    if found is None or way not in found.ways:
        raise StartOver()
    if way == "webauthn":
        return keys.check(request, answer, found.user)
    code = str(answer).replace(" ", "").strip()
    take = mfa.check_totp if way == "totp" else recovery.use
    if not take(found.user, code, source=address_of(request)):
        request.session[_KEY] = {**request.session[_KEY], "wrong": request.session[_KEY]["wrong"] + 1}
        raise WrongFactor()
    return found.user


def forget(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)
