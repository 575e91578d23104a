"""Recovery codes: made together, shown once, each good for one sign-in (django-allauth's)."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
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


def use(user_id: str, code: str) -> bool:
    """Whether the code was good; now it is not any more."""
    row = _row(user_id)
    return row is not None and bool(RecoveryCodes(row).validate_code(code.replace(" ", "")))


def remove(user_id: str) -> None:
    Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).delete()
