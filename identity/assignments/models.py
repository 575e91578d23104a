"""One assignment is exactly one guardian row: subject User or Group; object Project, Domain or the System singleton.

`inherited` means: not on the object itself, but on every project below it. Groups, inheritance and implied roles are
never expanded into rows; `assignments.effective` computes them when a token is made.
"""

from typing import Any

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from identity.groups.models import Group
from identity.projects.models import Project


class System(models.Model):
    """The whole cloud as an object that roles can be assigned on. One row, id "all"."""

    id = models.CharField(primary_key=True, max_length=8, default="all")


class RoleRow(models.Model):
    """Base of the six tables. The permission is a role's, so guardian's check of its content type does not apply."""

    inherited = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        models.Model.save(self, *args, **kwargs)


class UserRow(RoleRow, UserObjectPermissionBase):
    class Meta:
        abstract = True
        unique_together = ["user", "permission", "content_object", "inherited"]


class GroupRow(RoleRow, GroupObjectPermissionBase):
    group = models.ForeignKey(Group, on_delete=models.CASCADE)  # type: ignore[assignment]  # ours, not Django's

    class Meta:
        abstract = True
        unique_together = ["group", "permission", "content_object", "inherited"]


class UserProjectRole(UserRow):
    content_object = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")


class GroupProjectRole(GroupRow):
    content_object = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")


class UserDomainRole(UserRow):
    content_object = models.ForeignKey("identity.Domain", on_delete=models.CASCADE, related_name="+")


class GroupDomainRole(GroupRow):
    content_object = models.ForeignKey("identity.Domain", on_delete=models.CASCADE, related_name="+")


class UserSystemRole(UserRow):
    content_object = models.ForeignKey(System, on_delete=models.CASCADE, related_name="+")


class GroupSystemRole(GroupRow):
    content_object = models.ForeignKey(System, on_delete=models.CASCADE, related_name="+")


#: (subject kind, object kind) → table
TABLES: dict[tuple[str, str], type[RoleRow]] = {
    ("user", "project"): UserProjectRole,
    ("group", "project"): GroupProjectRole,
    ("user", "domain"): UserDomainRole,
    ("group", "domain"): GroupDomainRole,
    ("user", "system"): UserSystemRole,
    ("group", "system"): GroupSystemRole,
}
