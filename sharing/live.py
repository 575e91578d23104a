"""Live updates of a shared object go to the sockets of its grantees besides those of its project."""

from common import live
from identity.models import User
from identity.revocation import services as revocation
from sharing import shareable
from sharing.models import TABLES

Subjects = list[tuple[str, str]]


def room(subject: str, id: str) -> str:
    """Return the name under which the sockets of a user, or of a group's members, are addressed."""
    return f"{subject}.{id}"


def rooms_of(user_id: str) -> list[str]:
    """List the rooms that a user's socket joins."""
    groups = User.groups.through.objects.filter(user_id=user_id).values_list("group_id", flat=True)
    return [room("user", user_id), *(room("group", id) for id in groups)]


def tell(kind: str, object_id: str, subjects: Subjects, project_id: str | None) -> None:
    """After commit, to these subjects and to the object's project: look again at it."""
    live.announce(kind, object_id, project_id, rooms=[room(*subject) for subject in subjects])


class _Audience:
    """Rooms of each shared object: `mark` is of when all were read, `marks` of those that changed since."""

    def __init__(self, mark: revocation.Mark) -> None:
        self.mark, self.marks = mark, {}  # type: tuple[revocation.Mark, dict[tuple[str, str], revocation.Mark]]
        self.rooms = _read()


_known: _Audience | None = None


def fact(kind: str, object_id: str) -> dict[str, str]:
    """Return the fact to note as changed when a share of an object comes, changes or goes."""
    return {"shares_of": f"{kind}:{object_id}"}


def audience(live_kind: str, object_id: str) -> list[str]:
    """List the rooms that hear that `object_id` changed. Every share of the cloud is read once an epoch, not once a change."""
    global _known
    kind = shareable.spoken_as(live_kind)
    if kind is None:
        return []
    mark, key = revocation.mark(), (kind, object_id)
    if _known is None or (_known.mark.epoch, _known.mark.generation) != (mark.epoch, mark.generation):
        _known = _Audience(mark)
    if not revocation.is_current(_known.marks.get(key, _known.mark), (f"shares_of:{kind}:{object_id}",)):
        _known.marks[key], _known.rooms[key] = mark, _read(object_pk=object_id).get(key, [])
    return _known.rooms.get(key, [])


def _read(**only: str) -> dict[tuple[str, str], list[str]]:
    names = {shareable.content_type(kind).pk: kind.name for kind in shareable.every()}
    found: dict[tuple[str, str], list[str]] = {}
    for subject, table in TABLES.items():
        rows = table.objects.live().filter(**only).values_list("content_type_id", "object_pk", f"{subject}_id")
        for type_id, object_pk, subject_id in rows:
            found.setdefault((names.get(type_id, ""), object_pk), []).append(room(subject, subject_id))
    return found
