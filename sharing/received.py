"""Shares that a caller has received: read once when the token or session is made, kept with the actor, ended by the clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from authorization.context import RequestContext
from authorization.share_levels import RANK, VIEW, highest, reaches
from common.clock import now
from common.prepared import Prepared
from identity.users.models import User
from sharing import shareable
from sharing.models import TABLES, GroupShare, ShareQuerySet, UserShare


@dataclass(frozen=True, slots=True)
class Received:
    """One share that a caller has, by themselves or through a group."""

    id: str
    level: str
    expires_at: datetime | None
    key: str
    group_id: str | None = None

    @property
    def is_live(self) -> bool:
        return self.expires_at is None or self.expires_at > now()


Shares = Mapping[tuple[str, str], tuple[Received, ...]]
_COLUMNS = ("id", "content_type_id", "object_pk", "permission__codename", "expires_at", "key")
_groups_of = User.groups.through.objects
_my_groups = Prepared(lambda user: _groups_of.filter(user_id=user).values_list("group_id"))
_mine = Prepared(lambda user: UserShare.objects.filter(user_id=user).values_list(*_COLUMNS))
_ours = Prepared(
    lambda user: GroupShare.objects.filter(group_id__in=_groups_of.filter(user_id=user).values("group_id")).values_list(
        *_COLUMNS, "group_id"
    )
)


def of_user(user_id: str) -> Shares:
    """(kind, object id) → shares. Two small indexed queries, asked when an actor is built, never by a list."""
    found: dict[tuple[str, str], tuple[Received, ...]] = {}
    for id, type_id, object_pk, level, expires_at, key, *group in [*_mine(user_id), *_ours(user_id)]:
        model = ContentType.objects.get_for_id(type_id).model_class()
        kind = shareable.name_of_model(model) if model else None
        if kind is not None:
            share = Received(id, level, expires_at, key, group[0] if group else None)
            found[(kind, object_pk)] = (*found.get((kind, object_pk), ()), share)
    return found


def facts_of(user_id: str) -> tuple[str, ...]:
    """Facts of which a change may alter the user's shares: caches for the user are kept with these."""
    return (f"user_id:{user_id}", *(f"group_id:{group}" for (group,) in _my_groups(user_id)))


def on(actor: RequestContext, kind: str, object_id: str) -> list[Received]:
    """List the actor's live shares of one object."""
    shares: Any = actor.extra.get("shares")
    return [share for share in shares.get((kind, object_id), ()) if share.is_live] if shares else []


def level_on(actor: RequestContext, target: Any) -> str | None:
    """At which level a row is shared with the actor now; None when it is not, or is no row that can be shared."""
    if not actor.extra.get("shares"):
        return None
    kind = shareable.name_of(target)
    return highest(share.level for share in on(actor, kind, str(target.pk))) if kind else None


def best(actor: RequestContext, kind: str, object_id: str, level: str) -> Received | None:
    """Return the longest of the actor's shares that include `level`."""
    fit = [share for share in on(actor, kind, object_id) if reaches(share.level, level)]
    return max(
        fit, key=lambda share: (share.expires_at is None, share.expires_at or now(), RANK[share.level]), default=None
    )


def has_any(actor: RequestContext, kind: str) -> bool:
    shares: Any = actor.extra.get("shares")
    return bool(shares) and any(name == kind for name, _id in shares)


def ids(actor: RequestContext, kind: str, level: str = VIEW) -> Q:
    """Return a condition on primary keys: what is shared with the actor, as subqueries on guardian's rows.

    Ask has_any() first: who has no share should pay for none.
    """
    about = shareable.find(kind)
    codenames = [name for name in RANK if reaches(name, level)]
    found = Q()
    for rows in rows_of(actor.user_id):
        live = rows.live().filter(content_type=shareable.content_type(about), permission__codename__in=codenames)
        found |= Q(pk__in=live.values("object_pk"))
    return found


def or_shared(actor: RequestContext, kind: str, own: Q, level: str = VIEW) -> Q:
    """`own`, and what is shared with the actor besides. The same condition, unchanged, for who has no share."""
    return own | ids(actor, kind, level) if has_any(actor, kind) else own


def rows_of(user_id: str) -> Iterator[ShareQuerySet]:
    yield TABLES["user"].objects.filter(user_id=user_id)
    yield TABLES["group"].objects.filter(group_id__in=_groups_of.filter(user_id=user_id).values("group_id"))
