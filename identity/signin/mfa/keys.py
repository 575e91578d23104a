"""Security keys and passkeys: django-allauth's WebAuthn ceremonies for users of this cloud.

The challenge of a ceremony lives in the browser's session and counts once.
"""

from allauth.core import context
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Invalid, Unauthorized
from common.numbers import is_whole
from identity.models import User

Json = dict[str, object]
LIMIT = 16  # keys a user


class WrongKey(Unauthorized):
    template = _("This key was not accepted. Try it again, or sign in another way.")


class TooManyKeys(Invalid):
    template = _("A user has at most %(limit)s keys. Remove one first.")


def of_user(user_id: str) -> list[Authenticator]:
    rows = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN)
    return list(rows.order_by("created_at"))


def begin_registration(request: HttpRequest, user: User, *, passkey: bool) -> Json:
    """Options that the browser hands to its authenticator. A passkey signs in alone, so it has to check its user."""
    from allauth.mfa.webauthn.internal import auth

    if len(of_user(user.pk)) >= LIMIT:
        raise TooManyKeys(limit=LIMIT)
    with context.request_context(request):
        options: dict[str, object] = auth.begin_registration(user, passkey)
    return options


def register(request: HttpRequest, user: User, name: str, answer: Json, *, passkey: bool) -> Authenticator:
    """Keep the new key. Raises: WrongKey."""
    from allauth.mfa.webauthn.internal import auth

    with context.request_context(request):
        try:
            auth.parse_registration_response(answer)
            data = auth.complete_registration(answer)
        except (ValidationError, ValueError, KeyError, TypeError):
            raise WrongKey() from None
        if passkey and not data.is_user_verified():
            raise WrongKey()
        row: Authenticator = auth.WebAuthn.add(user, name, answer).instance
    row.data |= {"count": data.counter, "passkey": passkey}
    row.save(update_fields=["data"])
    return row


def begin(request: HttpRequest, user: User | None = None) -> Json:
    """Make a challenge for one of the user's keys, or for any passkey when nobody is known yet."""
    from allauth.mfa.webauthn.internal import auth

    with context.request_context(request):
        options: dict[str, object] = auth.begin_authentication(user)
    return options


def check(request: HttpRequest, answer: Json, user: User | None = None) -> User:
    """Return the user whose key answered the challenge; `user` says whose it has to be. Raises: WrongKey."""
    from allauth.mfa.webauthn.internal import auth

    with context.request_context(request):
        try:
            found = auth.parse_authentication_response(answer)
            owner = user or auth.extract_user_from_response(answer)
            key = auth.complete_authentication(owner, answer)
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
            raise WrongKey() from None
        finally:
            auth.clear_state()
    data = found.response.authenticator_data
    if user is None and not (key.data.get("passkey") and data.is_user_verified()):
        raise WrongKey()  # alone it has to be a passkey that checked its user, whatever the challenge asked for
    _count(key, data.counter)
    row: User = User.objects.select_related("domain").get(pk=owner.pk)
    if not row.enabled or not row.domain.enabled:
        raise WrongKey()
    return row


@transaction.atomic
def _count(key: Authenticator, counter: int) -> None:
    """A key that counts its uses and does not get on is a copy (WebAuthn §6.1.1). Raises: WrongKey."""
    row = Authenticator.objects.select_for_update().get(pk=key.pk)
    if (counter or row.data.get("count")) and counter <= row.data.get("count", 0):
        raise WrongKey()
    row.data["count"], row.last_used_at = counter, now()
    row.save(update_fields=["data", "last_used_at"])


def remove(user_id: str, id: str) -> None:
    """Remove a key; one that is gone already is success."""
    if is_whole(id):
        Authenticator.objects.filter(pk=id, user_id=user_id, type=Authenticator.Type.WEBAUTHN).delete()
