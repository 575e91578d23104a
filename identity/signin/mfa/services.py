"""MFA of a user: the factors they have, what a sign-in still lacks, and whether the API wants them too."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Unauthorized
from identity.auth import totp as codes
from identity.auth.services import rules_of
from identity.models import User
from identity.revocation import services as revocation
from identity.signin.mfa import keys, recovery, totp

#: MFA rules that the portal writes when a user asks for the second factor at the API too. Secrets of scripts stay good.
STRICT: list[list[str]] = [["password", "totp"], ["application_credential"]]


class NoFactor(Unauthorized):
    """The user's rules want more than the user can prove here."""

    template = _("This account has to prove more than it has set up (%(rules)s). An administrator can help.")


@dataclass(frozen=True)
class Factors:
    totp: bool
    keys: list[object]
    recovery: int

    @property
    def any(self) -> bool:
        return self.totp or bool(self.keys)


def of_user(user: User) -> Factors:
    has_totp = user.credentials.filter(type="totp").exists()
    return Factors(has_totp, keys.of_user(user.pk), recovery.left(user.pk))


def lacking(user: User, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Ways to go on from what is proven, the strongest first; empty when it is enough.

    Who set up a second factor is asked for it, whatever the rules say. A key or a recovery code stands for "totp" of a
    rule; a passkey, which checks its user, for "password" too. Raises: NoFactor when no way is left.
    """
    if user.options.get("multi_factor_auth_enabled") is False:
        return ()
    have, proven = of_user(user), set(methods)
    second = bool(proven & {"totp", "webauthn", "recovery", "passkey"})
    proven |= {"totp"} if second else set()
    proven |= {"password"} if "passkey" in proven else set()
    rules = rules_of(user.options)
    allowed = not rules or any(set(rule) <= proven for rule in rules)
    complete = second or not have.any
    if allowed and complete:
        return ()
    if complete:
        raise NoFactor(rules="; ".join(" + ".join(rule) for rule in rules))
    return _ways(have)


def check_totp(user: User, code: str, *, source: str) -> bool:
    return codes.check(user, code, source=source)


def _ways(have: Factors) -> tuple[str, ...]:
    found = {"webauthn": bool(have.keys), "totp": have.totp, "recovery": have.recovery > 0}
    return tuple(name for name, there in found.items() if there)


def strict(user: User) -> bool | None:
    """Whether the API asks for the second factor too; None when an operator's own rules decide."""
    rules = user.options.get("multi_factor_auth_rules") or []
    return None if rules and rules != STRICT else bool(rules)


@transaction.atomic
def set_strict(user_id: str, on: bool) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    if strict(user) is None:
        return
    options = {name: value for name, value in user.options.items() if name != "multi_factor_auth_rules"}
    user.options = {**options, "multi_factor_auth_rules": STRICT} if on else options
    user.save(update_fields=["options"])
    revocation.note(user_id=user_id)


@transaction.atomic
def remove_totp(user: User) -> None:
    """Remove a user's TOTP, for which the API then cannot ask; recovery codes go with the last factor."""
    totp.remove(user)
    set_strict(user.pk, False)
    _tidy(user)


@transaction.atomic
def remove_key(user: User, id: str) -> None:
    keys.remove(user.pk, id)
    _tidy(user)


def _tidy(user: User) -> None:
    if not of_user(user).any:
        recovery.remove(user.pk)
