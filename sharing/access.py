"""Access to an object, with reasons: people by role, administrators, shares. For callers with a role in its project."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from authorization import policy
from authorization.context import RequestContext
from identity.assignments import granting
from identity.models import Group, User
from sharing import services, shareable
from sharing.services import Found


@dataclass(frozen=True)
class Reason:
    """`kind`: role | admin | share. The rest says by which; `group` and `above` (a project or domain) are names."""

    kind: str
    role: str = ""
    group: str = ""
    above: str = ""
    share_id: str = ""
    level: str = ""
    expires_at: datetime | None = None
    given_by: str = ""

    @property
    def sentence(self) -> str:
        """In the active language."""
        words = {"role": self.role, "group": self.group, "above": self.above, "level": self.level, "who": self.given_by}
        if self.kind == "share":
            return _("Shared by %(who)s: %(level)s") % words
        if self.kind == "admin":
            return _("Administrator of the cloud")
        if self.group and self.above:
            return _("Role %(role)s through the group %(group)s, from %(above)s") % words
        if self.group:
            return _("Role %(role)s through the group %(group)s") % words
        return _("Role %(role)s, from %(above)s") % words if self.above else _("Role %(role)s") % words


@dataclass
class Seer:
    """A user, or a group that has a share, with every reason."""

    subject: str  # user | group
    id: str
    name: str
    domain: str
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True)
class Access:
    everyone: list[str]
    seers: list[Seer]


def who(actor: RequestContext, kind_name: str, object_id: str) -> Access:
    """Everyone who can see an object. Nobody outside of its project learns who works in it.

    Raises: UnknownKind, NotFound, Forbidden.
    """
    kind = shareable.find(kind_name)
    row = kind.find(actor, object_id)
    policy.require(actor, kind.see, row)
    shares = services.rows_of(kind, str(row.pk))
    seers = _by_role(str(row.project_id)) if row.project_id else {}
    _add_administrators(seers)
    for found in _with_names(shares):
        _add_share(seers, *found)
    order = {"role": 0, "admin": 1, "share": 2}
    ranked = sorted(seers.values(), key=lambda one: (min(order[why.kind] for why in one.reasons), one.name))
    return Access(kind.everyone(actor, row), ranked)


def _by_role(project_id: str) -> dict[tuple[str, str], Seer]:
    rights = granting.rights(project_id)
    above = granting.named(right.above for right in rights)
    groups = _group_names(right.group_id for right in rights)
    seers = _people({right.user_id for right in rights})
    for right in rights:
        if ("user", right.user_id) in seers:
            group = groups.get(right.group_id or "", "")
            why = Reason("role", right.role, group, above.get(right.above or "", ""))
            seers[("user", right.user_id)].reasons.append(why)
    return seers


def _add_administrators(seers: dict[tuple[str, str], Seer]) -> None:
    admins = {right.user_id for right in granting.administrators()}
    missing = _people(id for id in admins if ("user", id) not in seers)
    seers.update(missing)
    for id in admins:
        if ("user", id) in seers:
            seers[("user", id)].reasons.append(Reason("admin"))


def _add_share(seers: dict[tuple[str, str], Seer], found: Found, given_by: str) -> None:
    to = getattr(found.row, found.subject)
    seer = seers.setdefault(
        (found.subject, to.pk), Seer(found.subject, to.pk, to.name, to.domain.name if to.domain else "")
    )
    row = found.row
    seer.reasons.append(Reason("share", share_id=row.pk, level=row.level, expires_at=row.expires_at, given_by=given_by))


def _with_names(shares: list[Found]) -> list[tuple[Found, str]]:
    """Shares, each with the name of who gave it."""
    givers = User.objects.filter(pk__in={found.row.given_by for found in shares}).values_list("id", "name")
    names = dict(givers)
    return [(found, names.get(found.row.given_by, found.row.given_by)) for found in shares]


def giver(found: Found) -> str:
    """Return the name of who gave a share."""
    return _with_names([found])[0][1]


def _people(ids: Iterable[str]) -> dict[tuple[str, str], Seer]:
    rows = User.objects.filter(pk__in=sorted(set(ids))[: granting.MOST], enabled=True)
    values = rows.values_list("id", "name", "domain__name")
    return {("user", id): Seer("user", id, name, domain) for id, name, domain in values}


def _group_names(ids: Iterable[str | None]) -> dict[str, str]:
    return dict(Group.objects.filter(pk__in={id for id in ids if id}).values_list("id", "name"))


def as_dict(seer: Seer, iso: Callable[[datetime | None], str | None]) -> dict[str, object]:
    """Build a seer on the wire; `iso` writes times."""
    reasons = []
    for why in seer.reasons:
        entry: dict[str, object] = {"kind": why.kind, "sentence": why.sentence}
        if why.kind == "role":
            entry |= {"role": why.role, "group": why.group or None, "inherited_from": why.above or None}
        if why.kind == "share":
            entry |= {"share_id": why.share_id, "level": why.level, "given_by": why.given_by}
            entry["expires_at"] = iso(why.expires_at)
        reasons.append(entry)
    return {"type": seer.subject, "id": seer.id, "name": seer.name, "domain": seer.domain, "reasons": reasons}
