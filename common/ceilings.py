"""Ceilings on rows of a table by owner, where no quota bounds them: every table that a user can grow has a bound.

An app says of each such table, once, what bounds it: a ceiling that is held here, or in words what does it elsewhere. A test
fails for a table of which nobody said anything (tests/common/test_ceilings.py).
"""

from django.db import models
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _

from common.errors import OverLimit


class TooManyOfOwner(OverLimit):
    wire_type = "TooMany"
    formerly = ("TooMany",)
    template = _(
        "There are %(used)s %(what)s of this owner, and no more than %(limit)s may be. Remove some that nobody needs, then try again."
    )


#: Table → (column of its owner, most rows).
HELD: dict[type[models.Model], tuple[str, int]] = {}
#: Table → what else bounds it.
ELSEWHERE: dict[type[models.Model], str] = {}


def hold(model: type[models.Model], owner: str, most: int) -> None:
    """Refuse new rows beyond `most` with the same value of column `owner`."""
    HELD[model] = (owner, most)
    pre_save.connect(_check, sender=model, dispatch_uid=f"ceiling of {model._meta.label}")


def elsewhere(model: type[models.Model], what: str) -> None:
    """Say what bounds a table that is not held here."""
    ELSEWHERE[model] = what


def _check(sender: type[models.Model], instance: models.Model, raw: bool = False, **_more: object) -> None:
    """Refuse a new row of an owner at its limit. Two at once may both pass: the bound is not exact. Raises: TooManyOfOwner."""
    if raw or not instance._state.adding:
        return
    owner, most = HELD[sender]
    value = getattr(instance, owner)
    if value is None:
        return
    used = sender._default_manager.filter(**{owner: value}).count()
    if used >= most:
        raise TooManyOfOwner(what=sender._meta.verbose_name_plural, used=used, limit=most)
