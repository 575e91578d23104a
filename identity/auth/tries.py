"""Failed tries to sign in, counted alike for names that exist and names that do not."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Unauthorized
from identity.credentials.crypto import keyed_hash
from identity.models import FailedSignIn, User


class WrongPassword(Unauthorized):
    """`left` tries remain before a pause; a pause that runs has `wait` seconds to go."""

    template = _("The request you have made requires authentication.")

    @property
    def left(self) -> int:
        return int(self.data["left"])

    @property
    def wait(self) -> int:
        return int(self.data["wait"])


def pause() -> timedelta:
    return timedelta(seconds=settings.LOCKOUT_SECONDS)


class Tries:
    """The tries in a row for one name: of the user's row, or else of a row that only says that the name was tried.

    Both take one read and, for a failure, one write.
    """

    def __init__(self, user: User | None, *words: str | None) -> None:
        self.user = user
        self.key = keyed_hash("identity.tries", "\0".join(word or "" for word in words))
        if user is not None:
            self.count, self.at = user.failed_logins, user.failed_at
        else:
            row = FailedSignIn.objects.filter(pk=self.key).first()
            self.count, self.at = (row.failures, row.failed_at) if row else (0, None)

    @property
    def paused(self) -> bool:
        return self.count >= settings.LOCKOUT_FAILURES and self.at is not None and now() - self.at < pause()

    def failed(self) -> WrongPassword:
        """Count one more, unless a pause runs; a pause that is over begins the count anew."""
        if not self.paused:
            anew = self.count >= settings.LOCKOUT_FAILURES
            self.count, self.at = (1 if anew else self.count + 1), now()
            self._write(self.at, anew)
        wait = pause() - (now() - self.at) if self.paused and self.at else timedelta()
        return WrongPassword(left=max(0, settings.LOCKOUT_FAILURES - self.count), wait=int(wait.total_seconds()))

    def _write(self, at: datetime, anew: bool) -> None:
        if self.user is not None:
            count = 1 if anew else F("failed_logins") + 1
            User.objects.filter(pk=self.user.pk).update(failed_logins=count, failed_at=at)
            return
        rows = FailedSignIn.objects.filter(pk=self.key)
        if not rows.update(failures=1 if anew else F("failures") + 1, failed_at=at):
            FailedSignIn.objects.bulk_create(
                [FailedSignIn(key=self.key, failures=1, failed_at=at)], ignore_conflicts=True
            )

    def forget(self) -> None:
        if self.user is not None and self.user.failed_logins:
            User.objects.filter(pk=self.user.pk).update(failed_logins=0, failed_at=None)
            self.user.failed_logins, self.user.failed_at = 0, None


def prune() -> int:
    """Forget tries whose pause is over. Returns how many."""
    return FailedSignIn.objects.filter(failed_at__lt=now() - 2 * pause()).delete()[0]
