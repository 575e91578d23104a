"""Django's session store over PortalSession: it slides with use, and writes at most once a minute for that."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends import db

from common.clock import now
from identity.signin.models import PortalSession
from keystore import secret

#: How long a browser may take between the steps of one sign-in.
HALF_WAY = timedelta(minutes=10)
OPENED, ADDRESS, AGENT = "opened_at", "address", "agent"


def idle() -> timedelta:
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def grain() -> timedelta:
    """Return how long a session that was seen is not written again: a thirtieth of the idle time, a minute at most."""
    return min(timedelta(minutes=1), idle() / 30)


def data_of(row: PortalSession) -> dict[str, Any]:
    """Return the data of a session's row; empty when it was not signed by this cloud."""
    return SessionStore().decode(row.session_data)


class SessionStore(db.SessionStore):
    """`row` is what the last read found, so that sliding needs no read of its own."""

    row: Any = None

    def encode(self, session_dict: dict[str, object]) -> str:
        secret.secrets()  # Django signs with the newest
        return super().encode(session_dict)

    def decode(self, session_data: bytes | str) -> dict[str, object]:
        secret.secrets()
        return super().decode(session_data)

    @classmethod
    def get_model_class(cls) -> type[PortalSession]:
        return PortalSession

    def _get_session_from_db(self) -> object:
        base: Any = super()
        self.row = base._get_session_from_db()
        return self.row

    async def _aget_session_from_db(self) -> object:
        base: Any = super()
        self.row = await base._aget_session_from_db()
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> PortalSession:
        at = now()
        user_id = data.get(auth.SESSION_KEY)
        opened = datetime.fromisoformat(data[OPENED]) if OPENED in data else at
        ends = opened + timedelta(seconds=settings.SESSION_COOKIE_AGE) if user_id else at + HALF_WAY
        key: str = getattr(self, "_get_or_create_session_key")()  # noqa: B009
        return PortalSession(
            session_key=key,
            session_data=self.encode(data),
            expire_date=min(at + idle(), ends),
            user_id=user_id,
            opened_at=opened,
            seen_at=at,
            ends_at=ends,
            address=data.get(ADDRESS, ""),
            agent=data.get(AGENT, ""),
        )

    async def acreate_model_instance(self, data: dict[str, object]) -> PortalSession:
        return self.create_model_instance(data)

    def slide(self) -> None:
        """Start the idle time anew: the person is there. One UPDATE when the last is long enough ago, else nothing."""
        row, at = self.row, now()
        if row is None or row.user_id is None or at - row.seen_at < grain():
            return
        ends = min(at + idle(), row.ends_at)
        PortalSession.objects.filter(pk=row.pk, seen_at=row.seen_at).update(seen_at=at, expire_date=ends)
        row.seen_at, row.expire_date = at, ends
