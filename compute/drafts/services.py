"""Keep, read and forget a user's drafts. They are the user's own: nobody else sees them, so no policy rule is asked."""

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from common.purging import BATCH
from compute.drafts.models import DRAFT, Draft
from identity.models import User

LARGEST = 256 * 1024  # characters of one draft as JSON
NAME_LIMIT = 255


class DraftNotFound(NotFound):
    template = _("There is nothing saved under %(id)s.")


class DraftExists(Conflict):
    template = _("“%(name)s” exists already. Choose another name, or delete it first.")


class DraftTooLarge(Invalid):
    template = _("It is too large to be kept: at most %(most)s characters.")


class DraftNameless(Invalid):
    template = _("A name has 1 to 255 characters.")


def of(actor: RequestContext, kind: str) -> QuerySet[Draft]:
    """Query what the actor keeps of one kind in their project, by name."""
    mine = Draft.objects.filter(user_id=actor.user_id, project_id=actor.project_id or "")
    return mine.filter(kind=kind).order_by("name")


def find(actor: RequestContext, kind: str, id: str) -> Draft:
    """Find one of the actor's own. Raises: DraftNotFound."""
    found = of(actor, kind).filter(pk=id).first()
    if found is None:
        raise DraftNotFound(id=id)
    return found


def half_filled(actor: RequestContext) -> Draft | None:
    """Return the launch that the actor has begun; None without one."""
    return of(actor, DRAFT).first()


@transaction.atomic
def keep(actor: RequestContext, fields: Mapping[str, object]) -> None:
    """Keep a half-filled launch in place of the one before. Raises: DraftTooLarge, TooManyOfOwner."""
    _check(fields)
    Draft.objects.update_or_create(
        user_id=actor.user_id,
        project_id=actor.project_id or "",
        kind=DRAFT,
        name="",
        defaults={"fields": dict(fields), "updated_at": now()},
    )


def forget(actor: RequestContext) -> None:
    """Forget the half-filled launch, if there is one."""
    of(actor, DRAFT).delete()


@transaction.atomic
def save(actor: RequestContext, kind: str, name: str, fields: Mapping[str, object]) -> Draft:
    """Save a template or a piece of user data. Raises: DraftNameless, DraftExists, DraftTooLarge, TooManyOfOwner."""
    if not 0 < len(name) <= NAME_LIMIT:
        raise DraftNameless()
    _check(fields)
    try:
        with transaction.atomic():
            return Draft.objects.create(
                user_id=actor.user_id, project_id=actor.project_id or "", kind=kind, name=name, fields=dict(fields)
            )
    except IntegrityError:
        raise DraftExists(name=name) from None


def delete(actor: RequestContext, kind: str, id: str) -> None:
    """Delete one of the actor's own. Raises: DraftNotFound."""
    find(actor, kind, id).delete()


def forget_orphans(_before: datetime) -> int:
    """Delete what users kept who are not there any more, whichever way they went. Returns the number, at most BATCH."""
    orphans = Draft.objects.exclude(user_id__in=User.objects.values("pk")).values_list("pk", flat=True)
    return Draft.objects.filter(pk__in=list(orphans[:BATCH])).delete()[0]


def _check(fields: Mapping[str, object]) -> None:
    if len(json.dumps(fields)) > LARGEST:
        raise DraftTooLarge(most=LARGEST)
