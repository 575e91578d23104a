"""Names for lists of assignments, in one query a kind."""

from collections.abc import Iterable
from typing import Any

from identity.assignments.listing import Assignment
from identity.models import Group, Project, Role, User


class Names:
    def __init__(self, found: Iterable[Assignment]) -> None:
        found = list(found)
        self._rows: dict[str, dict[str, dict[str, object]]] = {
            "user": _named(User, {one.subject_id for one in found if one.subject == "user"}),
            "group": _named(Group, {one.subject_id for one in found if one.subject == "group"}),
            "object": _named(Project, {one.object_id for one in found if one.on != "system"}),
            "role": _named(Role, {one.role_id for one in found}),
        }

    def subject(self, one: Assignment) -> dict[str, object]:
        return self._rows[one.subject][one.subject_id]

    def object(self, one: Assignment) -> dict[str, Any]:
        return self._rows["object"][one.object_id]

    def role(self, one: Assignment) -> dict[str, Any]:
        return self._rows["role"][one.role_id]


def _named(model: Any, ids: set[str]) -> dict[str, Any]:
    shown = {}
    for row in model.objects.filter(pk__in=ids).values("id", "name", "domain_id", "domain__name"):
        shown[row["id"]] = {"id": row["id"], "name": row["name"]}
        if row["domain_id"]:
            shown[row["id"]]["domain"] = {"id": row["domain_id"], "name": row["domain__name"]}
    return shown
