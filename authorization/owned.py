"""Rows that belong to a project, as an actor may see them."""

from typing import Self, TypeVar

from django.db import models

from authorization.context import RequestContext

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    def visible_to(self, actor: RequestContext) -> Self:
        return self if actor.is_admin else self.filter(project_id=actor.project_id or "")
