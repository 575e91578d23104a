"""A share is one guardian row (subject, permission, object) with an end beside it.

The permission's codename is the level, its content type the object's. A subject has at most one share of an object. The
objects are other apps' rows, so the rows name them by content type and key, as guardian's own generic tables do.
"""

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from common.clock import now
from common.ids import new_hex
from identity.groups.models import Group


class ShareQuerySet(models.QuerySet[Any]):
    def live(self) -> "ShareQuerySet":
        """Query those that have not ended."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now()))


class Share(models.Model):
    """Base of both tables. `through` is the share by which a grantee re-shared; "" when a role allowed it.

    `key` names this state of the share towards open consoles: withdrawing or shortening draws another.
    """

    id = models.CharField(primary_key=True, max_length=32, default=new_hex)
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
    object_pk = models.CharField(max_length=64)
    expires_at = models.DateTimeField(null=True, db_index=True)
    created_at = models.DateTimeField(default=now)
    given_by = models.CharField(max_length=64)  # a user's id; the share stays when the user goes
    through = models.CharField(max_length=32, default="", blank=True, db_index=True)
    key = models.CharField(max_length=32, default=new_hex)

    objects = ShareQuerySet.as_manager()
    permission: "models.ForeignKey[Permission, Permission]"

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.level} on {self.object_pk} until {self.expires_at or 'withdrawn'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As guardian's, but for its look at the object itself, which was found a moment ago."""
        models.Model.save(self, *args, **kwargs)

    @property
    def level(self) -> str:
        return self.permission.codename

    @property
    def is_live(self) -> bool:
        return self.expires_at is None or self.expires_at > now()


class UserShare(Share, UserObjectPermissionBase):
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, related_name="+")

    class Meta:
        app_label = "identity"
        constraints = [models.UniqueConstraint(fields=["user", "content_type", "object_pk"], name="user_share_once")]
        indexes = [models.Index(fields=["content_type", "object_pk"], name="user_share_object")]


class GroupShare(Share, GroupObjectPermissionBase):
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE)  # type: ignore[assignment] # guardian's own names Django's

    class Meta:
        app_label = "identity"
        constraints = [models.UniqueConstraint(fields=["group", "content_type", "object_pk"], name="group_share_once")]
        indexes = [models.Index(fields=["content_type", "object_pk"], name="group_share_object")]


#: Kind of subject → table.
TABLES: dict[str, type[Any]] = {"user": UserShare, "group": GroupShare}
