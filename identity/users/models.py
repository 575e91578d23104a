"""Rows of users. The password is Django's own field; `name` is unique inside a domain."""

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from common.clock import now
from common.ids import new_hex
from identity.groups.models import Group
from identity.projects.models import Project


class User(AbstractBaseUser):
    """A person or a script. `default_project_id` is a hint for sign-in, never a grant."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    domain = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, default="", blank=True)
    description = models.TextField(default="", blank=True)
    enabled = models.BooleanField(default=True)
    default_project_id = models.CharField(max_length=64, null=True)
    options = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)
    password_changed_at = models.DateTimeField(null=True)
    password_expires_at = models.DateTimeField(null=True)
    settings = models.JSONField(default=dict)  # the portal's: language, time zone, page size
    groups = models.ManyToManyField(Group, related_name="users", db_table="identity_group_member")

    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()

    USERNAME_FIELD = "id"
    REQUIRED_FIELDS = ["name"]
    is_superuser = False
    is_staff = False

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "name"], name="user_name_in_domain")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.enabled

    def password_expired(self, at: datetime | None = None) -> bool:
        if self.options.get("ignore_password_expiry") or self.password_expires_at is None:
            return False
        return self.password_expires_at <= (at or now())


class OldPassword(models.Model):
    """A hash that a user must not choose again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=now)
