"""How passwords are stored, and how many are hashed at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.translation import gettext_lazy as _

from common.errors import Unavailable

_free = BoundedSemaphore(settings.PASSWORD_HASHES)


class TooManyHashes(Unavailable):
    template = _("Too many passwords are being checked now. Try again in %(retry_after)s seconds.")


@contextmanager
def one_of_few() -> Iterator[None]:
    """Let few hash at once: one costs 30 ms of a core and 19 MiB, and a flood takes no more than its share.

    Raises: TooManyHashes at once, for nobody waits here on a thread that others need; the reverse proxy lets them wait.
    """
    if not _free.acquire(blocking=False):
        raise TooManyHashes(retry_after=2)
    try:
        yield
    finally:
        _free.release()


class Argon2(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum (19 MiB, t=2, p=1): a third of the time of Django's own 100 MiB."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> Any:
        with one_of_few():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> Any:
        with one_of_few():
            return super().verify(password, encoded)
