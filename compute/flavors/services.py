"""Read, create, change and delete flavors, and the projects that may use a private one."""

import re
from collections.abc import Iterable
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid, NotFound
from common.ids import new_id
from common.numbers import is_whole
from common.prepared import Prepared
from compute.did_you_mean import did_you_mean
from compute.flavors.models import Flavor, FlavorAccess

#: What the id of a flavor, and the name of an extra spec, may be; the longest value of a spec.
ID: Final = r"^(?! )[a-zA-Z0-9. _-]*(?<! )$"
SPEC: Final = r"^[a-zA-Z0-9\-_:. ]{1,255}$"
SPEC_VALUE_LIMIT: Final = 255


def may_name_spec(name: str) -> bool:
    """Tell whether an extra spec may be called `name`."""
    return re.fullmatch(SPEC, name) is not None


class FlavorNotFound(NotFound):
    template = _("Flavor %(id)s could not be found.%(hint)s")


class FlavorExists(Conflict):
    template = _("Flavor with name %(name)s already exists.")


class FlavorIdExists(Conflict):
    template = _("Flavor with ID %(id)s already exists.")


class AccessExists(Conflict):
    template = _("Flavor access already exists for flavor %(id)s and project %(project)s combination.")


class AccessNotFound(NotFound):
    template = _("Flavor access not found for %(id)s / %(project)s combination.")


class ExtraSpecNotFound(NotFound):
    template = _("Flavor %(id)s has no extra specs with key %(key)s.")


class InvalidSpec(Invalid):
    template = _("Validation failed; extra spec '%(key)s' has the invalid value '%(value)s'")


class FlavorIsPublic(Conflict):
    template = _("Access list not available for public flavors.")


class PublicHasNoAccessList(NotFound):
    template = _("Access list not available for public flavors.")


def visible(actor: RequestContext) -> QuerySet[Flavor]:
    """Query the flavors that an actor may see: public ones and those their project has access to; an admin sees all."""
    if actor.is_admin:
        return Flavor.objects.all()
    given = FlavorAccess.objects.filter(project_id=actor.project_id or "").values("flavor_id")
    return Flavor.objects.filter(Q(is_public=True) | Q(id__in=given))


_visible_one = Prepared(lambda id, project: visible(RequestContext(user_id="", project_id=project)).filter(id=id))


def find(actor: RequestContext, flavor_id: str) -> Flavor:
    """Find a flavor by its id. Raises: FlavorNotFound, which names flavors with a close id or name."""
    found: Flavor | None
    if actor.is_admin:
        found = Flavor.objects.filter(id=flavor_id).first()
    else:
        found = _visible_one.first(flavor_id, actor.project_id or "")
    if found is None:
        names = {n for pair in visible(actor).values_list("id", "name") for n in pair}
        raise FlavorNotFound(id=flavor_id, **did_you_mean(flavor_id, names))
    return found


@transaction.atomic
def create(actor: RequestContext, *, name: str, id: str | None = None, **values: object) -> Flavor:
    """Create a flavor. `id`: None or "auto" for a new one. Raises: Forbidden, FlavorExists, FlavorIdExists."""
    policy.require(actor, "os_compute_api:os-flavor-manage:create")
    flavor_id = id if id not in (None, "auto") else new_id()
    if Flavor.objects.filter(name=name).exists():
        raise FlavorExists(name=name)
    if Flavor.objects.filter(id=flavor_id).exists():
        raise FlavorIdExists(id=flavor_id)
    return Flavor.objects.create(id=flavor_id, name=name, **values)


@transaction.atomic
def update(actor: RequestContext, *, flavor_id: str, description: str | None) -> Flavor:
    policy.require(actor, "os_compute_api:os-flavor-manage:update")
    flavor = find(actor, flavor_id)
    flavor.description = description
    flavor.save(update_fields=["description"])
    return flavor


@transaction.atomic
def delete(actor: RequestContext, *, flavor_id: str) -> None:
    """Delete a flavor. Its servers keep their own copy of it. Raises: Forbidden, FlavorNotFound."""
    policy.require(actor, "os_compute_api:os-flavor-manage:delete")
    find(actor, flavor_id).delete()


# ── Extra specs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def check_specs(specs: dict[str, str]) -> None:
    """Check the values of extra specs in the standard namespace `hw:`. Raises: InvalidSpec."""
    for key, value in specs.items():
        if key == "hw:numa_nodes" and not (is_whole(value) and int(value) >= 1):
            raise InvalidSpec(key=key, value=value)
        if key == "hw:cpu_policy" and value not in ("dedicated", "shared", "mixed"):
            raise InvalidSpec(key=key, value=value)


@transaction.atomic
def set_extra_specs(
    actor: RequestContext,
    *,
    flavor_id: str,
    specs: dict[str, str],
    rule: str = "os_compute_api:os-flavor-extra-specs:create",
) -> dict[str, str]:
    policy.require(actor, rule)
    flavor = find(actor, flavor_id)
    flavor.extra_specs = {**flavor.extra_specs, **specs}
    flavor.save(update_fields=["extra_specs"])
    kept: dict[str, str] = flavor.extra_specs
    return kept


def extra_spec(actor: RequestContext, *, flavor_id: str, key: str) -> str:
    """Read one extra spec of a flavor. Raises: FlavorNotFound, ExtraSpecNotFound."""
    specs: dict[str, str] = find(actor, flavor_id).extra_specs
    if key not in specs:
        raise ExtraSpecNotFound(id=flavor_id, key=key)
    return specs[key]


@transaction.atomic
def unset_extra_spec(actor: RequestContext, *, flavor_id: str, key: str) -> None:
    policy.require(actor, "os_compute_api:os-flavor-extra-specs:delete")
    extra_spec(actor, flavor_id=flavor_id, key=key)
    flavor = find(actor, flavor_id)
    flavor.extra_specs = {k: v for k, v in flavor.extra_specs.items() if k != key}
    flavor.save(update_fields=["extra_specs"])


@transaction.atomic
def replace_extra_specs(actor: RequestContext, *, flavor_id: str, specs: dict[str, str]) -> None:
    """Give a flavor exactly these extra specs. Raises: Forbidden, FlavorNotFound, InvalidSpec."""
    check_specs(specs)
    for key in find(actor, flavor_id).extra_specs.keys() - specs.keys():
        unset_extra_spec(actor, flavor_id=flavor_id, key=key)
    set_extra_specs(actor, flavor_id=flavor_id, specs=specs)


# ── Access ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def access(actor: RequestContext, *, flavor_id: str) -> list[str]:
    """List the ids of projects with access to a private flavor. Raises: Forbidden, FlavorNotFound, PublicHasNoAccessList."""
    policy.require(actor, "os_compute_api:os-flavor-access")
    flavor = find(actor, flavor_id)
    if flavor.is_public:
        raise PublicHasNoAccessList()
    return _projects_of(flavor)


def _projects_of(flavor: Flavor) -> list[str]:
    return list(flavor.access.order_by("id").values_list("project_id", flat=True))


@transaction.atomic
def add_access(actor: RequestContext, *, flavor_id: str, project_id: str) -> list[str]:
    """Give a project access to a private flavor. Returns the ids of all projects with access.

    Raises: FlavorNotFound, FlavorIsPublic, AccessExists; Invalid for an unknown project.
    """
    policy.require(actor, "os_compute_api:os-flavor-access:add_tenant_access")
    flavor = find(actor, flavor_id)
    if flavor.is_public:
        raise FlavorIsPublic()
    _check_project(project_id)
    try:
        with transaction.atomic():
            FlavorAccess.objects.create(flavor=flavor, project_id=project_id)
    except IntegrityError:
        raise AccessExists(id=flavor_id, project=project_id) from None
    return _projects_of(flavor)


@transaction.atomic
def remove_access(actor: RequestContext, *, flavor_id: str, project_id: str) -> list[str]:
    """Take a project's access to a private flavor away. Returns the ids of the projects left.

    Raises: FlavorNotFound, FlavorIsPublic, AccessNotFound; Invalid for an unknown project.
    """
    policy.require(actor, "os_compute_api:os-flavor-access:remove_tenant_access")
    flavor = find(actor, flavor_id)
    if flavor.is_public:
        raise FlavorIsPublic()
    _check_project(project_id)
    if not FlavorAccess.objects.filter(flavor=flavor, project_id=project_id).delete()[0]:
        raise AccessNotFound(id=flavor_id, project=project_id)
    return _projects_of(flavor)


@transaction.atomic
def replace_access(actor: RequestContext, *, flavor_id: str, project_ids: Iterable[str]) -> None:
    """Give exactly these projects access to a private flavor. Raises: as add_access() and remove_access()."""
    have, want = set(access(actor, flavor_id=flavor_id)), set(project_ids)
    for id in sorted(have - want):
        remove_access(actor, flavor_id=flavor_id, project_id=id)
    for id in sorted(want - have):
        add_access(actor, flavor_id=flavor_id, project_id=id)


def _check_project(project_id: str) -> None:
    from identity.projects.models import Project

    if not Project.objects.filter(id=project_id).exists():
        raise Invalid(reason=_("Project ID %(project)s is not a valid project."), project=project_id)


#: (id, name, vcpus, MiB, GiB) of a new cloud. The first two are for the small demo images and for tests.
SEED = (
    ("tiny", "tiny", 1, 128, 1),
    ("small", "small", 1, 192, 2),
    ("1", "m1.tiny", 1, 512, 1),
    ("2", "m1.small", 1, 2048, 20),
    ("3", "m1.medium", 2, 4096, 40),
    ("4", "m1.large", 4, 8192, 80),
    ("5", "m1.xlarge", 8, 16384, 160),
)


def seed() -> str | None:
    """Create the flavors of a new cloud, unless it has any: one that an operator deleted must not come back."""
    if Flavor.objects.exists():
        return None
    Flavor.objects.bulk_create(
        Flavor(id=id, name=name, vcpus=vcpus, ram=ram, disk=disk) for id, name, vcpus, ram, disk in SEED
    )
    return ", ".join(row[1] for row in SEED)
