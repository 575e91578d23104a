"""Recovery codes: made together, shown once, each good for one sign-in (django-allauth's)."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction

from identity.auth.attempts import FailedAttempts
from identity.models import User
from identity.signin.mfa.adapter import secrets_of


def _row(user_id: str) -> Authenticator | None:
    found: Authenticator | None = Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    return found


@transaction.atomic
def make(user: User) -> list[str]:
    """New codes; those of before stop counting."""
    remove(user.pk)
    with secrets_of(user.pk):
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def left(user_id: str) -> int:
    row = _row(user_id)
    if row is None:
        return 0
    with secrets_of(user_id):
        return len(RecoveryCodes(row).get_unused_codes())


def use(user: User, code: str, *, source: str) -> bool:
    """Whether the code was good; now it is not any more. Too many wrong ones in a row pause all of them for the source."""
    attempts = FailedAttempts("recovery", user.pk, source=source)
    if attempts.paused or not _spend(user.pk, code):
        attempts.failed()
        return False
    attempts.forget()
    return True


@transaction.atomic
def _spend(user_id: str, code: str) -> bool:
    found = _row(user_id)
    if found is None:
        return False
    row = Authenticator.objects.select_for_update().get(pk=found.pk)
    with secrets_of(user_id):
        return bool(RecoveryCodes(row).validate_code(code))


def remove(user_id: str) -> None:
    Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).delete()
