"""Making, changing and removing security groups."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from common.live import announce
from networking.desired.changes import touch
from networking.errors import SecurityGroupNotFound
from networking.ports.models import PortGroup
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroup
from networking.standard import Tag
from openstackapi import resource
from quota import services as quota


class SecurityGroupDefaultAlreadyExists(Conflict):
    template = _("Default security group already exists.")


class SecurityGroupCannotUpdateDefault(Conflict):
    template = _("Updating default security group not allowed.")


class SecurityGroupCannotRemoveDefault(Conflict):
    template = _("Insufficient rights for removing default security group.")


class SecurityGroupInUse(Conflict):
    template = _("Security Group %(id)s in use.")


def find(actor: RequestContext, group_id: str, *, lock: bool = False) -> SecurityGroup:
    """Raises: SecurityGroupNotFound, also for another project's group."""
    return resource.find(SecurityGroup.objects.visible_to(actor), group_id, SecurityGroupNotFound, lock=lock)


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    name: str = "",
    description: str = "",
    project_id: str | None = None,
) -> SecurityGroup:
    """Create a group with rules that let everything out.

    Raises: SecurityGroupDefaultAlreadyExists, Forbidden, OverLimit.
    """
    project = project_id or actor.project_id or ""
    policy.require(actor, "create_security_group", project)
    defaults.ensure_default(project)
    if name == defaults.NAME:
        raise SecurityGroupDefaultAlreadyExists()
    quota.require(project, "network", {"security_group": 1, "security_group_rule": 2})
    group = SecurityGroup.objects.create(project_id=project, name=name, description=description)
    defaults.add_first_rules(group)
    announce("security_group", group.id, project)
    return group


@transaction.atomic
def update(actor: RequestContext, group_id: str, **changes: object) -> SecurityGroup:
    """Rename or describe. The default group keeps its name."""
    group = find(actor, group_id, lock=True)
    policy.require(actor, "update_security_group", group)
    if group.is_default and changes.get("name", group.name) != group.name:
        raise SecurityGroupCannotUpdateDefault()
    if not group.is_default and changes.get("name") == defaults.NAME:
        raise SecurityGroupDefaultAlreadyExists()
    group.save_changes(changes)
    announce("security_group", group.id, group.project_id)
    return group


@transaction.atomic
def delete(actor: RequestContext, group_id: str) -> None:
    """Raises: SecurityGroupInUse while a port is in it, SecurityGroupCannotRemoveDefault."""
    group = find(actor, group_id, lock=True)
    policy.require(actor, "delete_security_group", group)
    if group.is_default and not actor.is_admin:
        raise SecurityGroupCannotRemoveDefault()
    if PortGroup.objects.filter(group=group).exists():
        raise SecurityGroupInUse(id=group_id)
    remove(group)


def remove(group: SecurityGroup) -> None:
    """Remove the row of a group, its rules, its tags, and the rules of others that name it. Within a transaction; no questions asked."""
    group_id = group.id
    naming = set(group.rules_that_name_it.exclude(group=group).values_list("group_id", flat=True))
    PortGroup.objects.filter(group=group).delete()
    Tag.objects.filter(resource_id=group_id).delete()
    SecurityGroup.objects.filter(pk=group_id).delete()
    touch(f"group:{group_id}", *(f"group:{other}" for other in naming))
    announce("security_group", group_id, group.project_id)
