"""Recovery codes: made together, shown once, each good for one sign-in (django-allauth's)."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.db import transaction

from identity.models import User


def _row(user_id: str) -> Authenticator | None:
    found: Authenticator | None = Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    return found


@transaction.atomic
def make(user: User) -> list[str]:
    """New codes; those of before stop counting."""
    remove(user.pk)
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def left(user_id: str) -> int:
    row = _row(user_id)
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


@transaction.atomic
def use(user_id: str, code: str) -> bool:
    """Whether the code was good; now it is not any more. Too many wrong ones in a row pause all of them."""
    found = _row(user_id)
    if found is None:
        return False
    row = Authenticator.objects.select_for_update().get(pk=found.pk)
    wrong, at = row.data.get("wrong", 0), time.time()
    if wrong >= settings.LOCKOUT_FAILURES and at - row.data["wrong_at"] < settings.LOCKOUT_SECONDS:
        return False
    good = bool(RecoveryCodes(row).validate_code(code))
    row.refresh_from_db()
    anew = good or wrong >= settings.LOCKOUT_FAILURES
    row.data |= {"wrong": 0 if good else 1 if anew else wrong + 1, "wrong_at": at}
    row.save(update_fields=["data"])
    return good


def remove(user_id: str) -> None:
    Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).delete()
