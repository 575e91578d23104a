"""How django-allauth's multi-factor parts see this cloud's users and keep their secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter

from keystore import encryption

_of: ContextVar[encryption.Place] = ContextVar("of")


@contextmanager
def secrets_of(user_id: str) -> Iterator[None]:
    """Have django-allauth encrypt and decrypt inside what is this user's: it names nobody."""
    token = _of.set(encryption.Place("mfa.Authenticator", "data", user_id))
    try:
        yield
    finally:
        _of.reset(token)


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text, _of.get())

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text, _of.get())

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party: the host that the browser names. The key itself holds the origin to it."""
        host = context.request.get_host()
        return {"id": host.rpartition(":")[0] if ":" in host else host, "name": f"Stackling {host}"}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": user.pk.encode(), "display_name": user.name, "name": f"{user.name}@{user.domain.name}"}
