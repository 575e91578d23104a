"""How django-allauth's multi-factor parts see this cloud's users and keep their secrets."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter

from keystore import encryption


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party: the host that the browser names. The key itself holds the origin to it."""
        host = context.request.get_host()
        return {"id": host.rpartition(":")[0] if ":" in host else host, "name": f"Stackling {host}"}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": user.pk.encode(), "display_name": user.name, "name": f"{user.name}@{user.domain.name}"}
