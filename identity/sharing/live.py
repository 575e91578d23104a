"""Who hears of a shared object besides its project: the sockets of its grantees."""

from common import live
from identity.models import User
from identity.revocation import services as revocation
from identity.sharing import kinds
from identity.sharing.models import TABLES

Subjects = list[tuple[str, str]]


def room(subject: str, id: str) -> str:
    """The name under which the sockets of a user, or of a group's members, are addressed."""
    return f"{subject}.{id}"


def rooms_of(user_id: str) -> list[str]:
    """The rooms that a user's socket joins."""
    groups = User.groups.through.objects.filter(user_id=user_id).values_list("group_id", flat=True)
    return [room("user", user_id), *(room("group", id) for id in groups)]


def tell(kind: str, object_id: str, subjects: Subjects, project_id: str | None) -> None:
    """After commit, to these subjects and to the object's project: look again at it."""
    live.announce(kind, object_id, project_id, rooms=[room(*subject) for subject in subjects])


_known: tuple[int, dict[tuple[str, str], list[str]]] = (0, {})


def audience(live_kind: str, object_id: str) -> list[str]:
    """The rooms that hear that `object_id` changed. Every share of the cloud is read once an epoch, not once a change."""
    global _known
    kind = kinds.spoken_as(live_kind)
    if kind is None:
        return []
    epoch = revocation.epoch()
    if _known[0] != epoch:
        _known = (epoch, _read())
    return _known[1].get((kind, object_id), [])


def _read() -> dict[tuple[str, str], list[str]]:
    names = {kinds.content_type(kind).pk: kind.name for kind in kinds.all_kinds()}
    found: dict[tuple[str, str], list[str]] = {}
    for subject, table in TABLES.items():
        rows = table.objects.live().values_list("content_type_id", "object_pk", f"{subject}_id")
        for type_id, object_pk, subject_id in rows:
            found.setdefault((names.get(type_id, ""), object_pk), []).append(room(subject, subject_id))
    return found
