"""Rows of identity and of durable work that name a project and are no things in it: they never hold its deletion up."""

from django.db.models import Model

from audit.models import Event
from identity.models import (
    AccessToken,
    ApplicationCredential,
    Credential,
    Limit,
    ProjectEndpoint,
    ProjectTag,
    RequestToken,
    Trust,
)
from identity.projects.owned import aside
from keystore.models import Key
from operations.models import Operation
from outbox.models import Event as Change
from quota.models import QuotaLock


def register() -> None:
    ways: tuple[type[Model], ...] = (ApplicationCredential, Trust, RequestToken, AccessToken)
    for model in ways:
        aside(model, "a way to act in the project: it ends with it, as in Keystone")
    about: tuple[type[Model], ...] = (Limit, ProjectTag, ProjectEndpoint)
    for model in about:
        aside(model, "a word about the project, which goes with its row")
    aside(Credential, "an EC2 key for the project: removed with it by identity.projects.services.remove")
    aside(QuotaLock, "a lock", remove=_forget_lock)
    aside(Operation, "history, forgotten by operations.recovery.prune")
    aside(Event, "a record of what was done there: kept for its days, whatever becomes of the project")
    aside(Change, "what changed there, for readers of the outbox: gone after a day")
    aside(Key, "a key of rows that may outlive the project: they are read with it until they go")


def _forget_lock(project_id: str) -> None:
    QuotaLock.objects.filter(project_id=project_id).delete()
