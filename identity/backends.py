"""Django's authentication backend: the same password check, and the user of a session."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from common.errors import Unauthorized
from identity.auth import passwords
from identity.models import User
from openstackapi.client import address_of


class PasswordBackend(BaseBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **extra: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            return passwords.check(
                password,
                name=username,
                domain=extra.get("domain", "default"),
                source=address_of(request) if request is not None else "",
            )
        except Unauthorized:
            return None

    def get_user(self, user_id: str) -> User | None:
        user = User.objects.select_related("domain").filter(pk=user_id, enabled=True).first()
        return user if user is not None and user.domain.enabled else None
