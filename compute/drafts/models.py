"""Rows of drafts: what a user typed for a launch, and keeps for one project."""

from django.db import models

from common.clock import now
from common.ids import new_id

DRAFT, TEMPLATE, SNIPPET = "draft", "template", "snippet"
KINDS = (DRAFT, TEMPLATE, SNIPPET)


class Draft(models.Model):
    """One half-filled launch (`name` is "" then), a template of launches, or a piece of user data ({"text": …})."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])
    user_id = models.CharField(max_length=64)
    project_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    fields = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "drafts"
        constraints = [
            models.UniqueConstraint(fields=("user_id", "project_id", "kind", "name"), name="one_draft_a_name")
        ]

    def __str__(self) -> str:
        return self.name or self.kind
