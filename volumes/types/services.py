"""Read, create, change and delete volume types."""

from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from volumes.types.models import TypeAccess, VolumeType

#: The type of volumes that name none. It is there from the start, and stays.
DEFAULT: Final = "__DEFAULT__"


class TypeNotFound(NotFound):
    template = _("Volume type %(id)s could not be found.")


class TypeExists(Conflict):
    wire_type = "VolumeTypeExists"
    template = _("Volume Type %(name)s already exists.")


class TypeInUse(Invalid):
    wire_type = "VolumeTypeInUse"
    template = _("Volume Type %(id)s deletion is not allowed with volumes present with the type.")


class DefaultTypeStays(Invalid):
    template = _("Volume type %(name)s is the one of volumes that name none, and cannot be deleted.")


class PublicTypeHasNoAccess(Invalid):
    wire_type = "InvalidVolumeType"
    template = _("Invalid volume type: Type access modification is not applicable to public volume type.")


class TypeAccessExists(Conflict):
    template = _("Volume type access for %(id)s / %(project)s combination already exists.")


class TypeAccessNotFound(NotFound):
    template = _("Volume type access not found for %(id)s / %(project)s combination.")


class SpecNotFound(NotFound):
    template = _("Volume Type %(id)s has no extra specs with key %(key)s.")


def seed() -> str | None:
    """Make the default type of a new cloud."""
    if VolumeType.objects.exists():
        return None
    VolumeType.objects.create(name=DEFAULT, description="Default Volume Type")
    return DEFAULT


def find(actor: RequestContext, id: str, *, lock: bool = False) -> VolumeType:
    """Find a type that the actor may see. Raises: TypeNotFound."""
    rows = VolumeType.objects.visible_to(actor)
    found = (
        VolumeType.objects.select_for_update().filter(pk__in=rows.filter(pk=id).values("pk"))
        if lock
        else rows.filter(pk=id)
    )
    row = found.first()
    if row is None:
        raise TypeNotFound(id=id)
    return row


def of_request(actor: RequestContext, asked: str | None) -> VolumeType | None:
    """Find the type that a request names by id or name; the default one where it names none. Raises: TypeNotFound."""
    rows = VolumeType.objects.visible_to(actor)
    if asked is None:
        return rows.filter(name=DEFAULT).first()
    found = rows.filter(pk=asked).first() or rows.filter(name=asked).first()
    if found is None:
        raise TypeNotFound(id=asked)
    return found


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    name: str,
    description: str | None = None,
    is_public: bool = True,
    extra_specs: dict[str, str],
) -> VolumeType:
    """Create a type. Raises: TypeExists, Forbidden."""
    policy.require(actor, "volume_extension:type_create")
    if VolumeType.objects.filter(name=name).exists():
        raise TypeExists(name=name)
    return VolumeType.objects.create(name=name, description=description, is_public=is_public, extra_specs=extra_specs)


@transaction.atomic
def update(actor: RequestContext, id: str, **values: object) -> VolumeType:
    """Change name, description, is_public. Raises: TypeNotFound, TypeExists, Forbidden."""
    policy.require(actor, "volume_extension:type_update")
    row = find(actor, id, lock=True)
    if VolumeType.objects.filter(name=values.get("name", row.name)).exclude(pk=row.pk).exists():
        raise TypeExists(name=values["name"])
    return _write(row, **values)


def _write(row: VolumeType, **values: object) -> VolumeType:
    for name, value in (values | {"updated_at": now()}).items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])
    return row


@transaction.atomic
def delete(actor: RequestContext, id: str) -> None:
    """Delete a type that no volume has. Raises: TypeNotFound, TypeInUse, DefaultTypeStays, Forbidden."""
    policy.require(actor, "volume_extension:type_delete")
    row = find(actor, id, lock=True)
    if row.name == DEFAULT:
        raise DefaultTypeStays(name=row.name)
    if row.volumes.exists():
        raise TypeInUse(id=id)
    row.delete()


@transaction.atomic
def set_specs(actor: RequestContext, id: str, specs: dict[str, str], *, rule: str) -> VolumeType:
    """Set some extra specs, and leave the others. Raises: TypeNotFound, Forbidden."""
    policy.require(actor, f"volume_extension:types_extra_specs:{rule}")
    row = find(actor, id, lock=True)
    return _write(row, extra_specs={**row.extra_specs, **specs})


@transaction.atomic
def unset_spec(actor: RequestContext, id: str, key: str) -> None:
    """Remove an extra spec. Raises: TypeNotFound, SpecNotFound, Forbidden."""
    policy.require(actor, "volume_extension:types_extra_specs:delete")
    row = find(actor, id, lock=True)
    if key not in row.extra_specs:
        raise SpecNotFound(id=id, key=key)
    _write(row, extra_specs={name: value for name, value in row.extra_specs.items() if name != key})


# ── Access ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def access(actor: RequestContext, id: str) -> list[str]:
    """List the projects that may use a type that is not public. Raises: TypeNotFound, Forbidden."""
    policy.require(actor, "volume_extension:volume_type_access:get_all_for_type")
    row = find(actor, id)
    if row.is_public:
        raise TypeAccessNotFound(id=id, project="")
    return list(row.access.order_by("project_id").values_list("project_id", flat=True))


@transaction.atomic
def add_access(actor: RequestContext, id: str, project_id: str) -> None:
    """Let a project use a type. Raises: TypeNotFound, PublicTypeHasNoAccess, TypeAccessExists, Forbidden."""
    policy.require(actor, "volume_extension:volume_type_access:addProjectAccess")
    row = _private(actor, id)
    if row.access.filter(project_id=project_id).exists():
        raise TypeAccessExists(id=id, project=project_id)
    TypeAccess.objects.create(type=row, project_id=project_id)


@transaction.atomic
def remove_access(actor: RequestContext, id: str, project_id: str) -> None:
    """Let a project use a type no more; its volumes keep it. Raises: TypeNotFound, PublicTypeHasNoAccess, TypeAccessNotFound, Forbidden."""
    policy.require(actor, "volume_extension:volume_type_access:removeProjectAccess")
    found = _private(actor, id).access.filter(project_id=project_id).first()
    if found is None:
        raise TypeAccessNotFound(id=id, project=project_id)
    found.delete()


def _private(actor: RequestContext, id: str) -> VolumeType:
    row = find(actor, id, lock=True)
    if row.is_public:
        raise PublicTypeHasNoAccess()
    return row
