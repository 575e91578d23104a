"""Resource classes: the standard ones, and custom ones that operators make."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid, NotFound
from placement import traits
from placement.models import Inventory, ResourceClass


class ClassNotFound(NotFound):
    template = _("No such resource class: %(name)s")


class ClassExists(Conflict):
    template = _("Conflicting resource class already exists: %(name)s")


class ClassInUse(Conflict):
    template = _("Error in deletion of resource class %(name)s: it is used in an inventory.")


def names() -> list[str]:
    return [*traits.RESOURCE_CLASSES, *ResourceClass.objects.order_by("name").values_list("name", flat=True)]


def exists(name: str) -> bool:
    return name in traits.RESOURCE_CLASSES or ResourceClass.objects.filter(name=name).exists()


def require(name: str) -> None:
    """Check that a resource class exists. Raises: ClassNotFound."""
    if not exists(name):
        raise ClassNotFound(name=name)


def make(name: str) -> bool:
    """Make a custom class. Returns whether it is new. Raises: Invalid."""
    if not traits.CUSTOM.match(name):
        raise Invalid(reason=_("'%(name)s' does not match '^CUSTOM_[A-Z0-9_]+$'"), name=name[:80])
    return ResourceClass.objects.get_or_create(name=name)[1]


def _custom(name: str) -> ResourceClass:
    """Find and lock a custom resource class. Raises: ClassNotFound, Invalid for a standard class."""
    require(name)
    found = ResourceClass.objects.select_for_update().filter(name=name).first()
    if found is None:
        raise Invalid(reason=_("Cannot update or delete standard resource class %(name)s."), name=name)
    return found


@transaction.atomic
def rename(name: str, to: str) -> None:
    """Rename an unused custom resource class. Raises: ClassNotFound, ClassExists, ClassInUse, Invalid."""
    row = _custom(name)
    if exists(to):
        raise ClassExists(name=to)
    _unused(name)
    make(to)
    row.delete()


@transaction.atomic
def delete(name: str) -> None:
    """Delete an unused custom resource class. Raises: ClassNotFound, ClassInUse, Invalid."""
    row = _custom(name)
    _unused(name)
    row.delete()


def _unused(name: str) -> None:
    if Inventory.objects.filter(resource_class=name).exists():
        raise ClassInUse(name=name)
