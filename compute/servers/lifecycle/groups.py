"""Security groups of a server: those of its ports."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, NotFound
from compute.servers.lifecycle.services import as_compute, for_verb
from compute.servers.models import Server
from networking.ports import updates as port_updates
from networking.ports.models import Port, PortGroup
from networking.securitygroups.models import SecurityGroup


class SecurityGroupMissing(NotFound):
    formerly = ("GroupMissing",)
    template = _("Security group %(name)s not found for project %(project)s.")


class GroupNotHere(NotFound):
    template = _("Security group %(name)s not associated with the instance %(id)s")


class NoPorts(Conflict):
    template = _("The instance has no port that security groups could guard.")


def groups_of(server: Server) -> list[dict[str, Any]]:
    """Read the groups of the server's ports, as Nova's proxy shows them (without their rules)."""
    ids = PortGroup.objects.filter(port__in=Port.objects.of_server(server)).values("group_id")
    rows = SecurityGroup.objects.filter(id__in=ids).order_by("name", "id")
    return [
        {"id": g.id, "name": g.name, "description": g.description, "tenant_id": g.project_id, "rules": []} for g in rows
    ]


def _ports_and_group(actor: RequestContext, server: Server, name: str) -> tuple[list[Port], str]:
    groups = SecurityGroup.objects.filter(project_id=server.project_id)
    group = groups.filter(id=name).first() or groups.filter(name=name).first()
    if group is None:
        raise SecurityGroupMissing(name=name, project=server.project_id)
    ports = list(Port.objects.of_server(server).filter(port_security_enabled=True))
    if not ports:
        raise NoPorts()
    return ports, group.id


@transaction.atomic
def add_group(actor: RequestContext, *, server_id: str, name: str) -> None:
    """Put every port of the server into a group. Raises: SecurityGroupMissing, NoPorts, WrongState."""
    server = for_verb(actor, server_id, "add_group")
    ports, group_id = _ports_and_group(actor, server, name)
    internal = as_compute(actor, server)
    for port in ports:
        have = list(port.groups.values_list("id", flat=True))
        if group_id not in have:
            port_updates.update(internal, port.id, security_groups=[*have, group_id])
    server.change()


@transaction.atomic
def remove_group(actor: RequestContext, *, server_id: str, name: str) -> None:
    """Remove a group, by id or name, from all ports of a server. Raises: SecurityGroupMissing, GroupNotHere, NoPorts."""
    server = for_verb(actor, server_id, "remove_group")
    ports, group_id = _ports_and_group(actor, server, name)
    internal = as_compute(actor, server)
    found = False
    for port in ports:
        have = list(port.groups.values_list("id", flat=True))
        if group_id in have:
            found = True
            port_updates.update(internal, port.id, security_groups=[g for g in have if g != group_id])
    if not found:
        raise GroupNotHere(name=name, id=server.id)
    server.change()
