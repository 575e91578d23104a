"""Read, create and delete server groups."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Invalid, NotFound
from common.live import announce
from compute.servergroups.models import ANTI_AFFINITY, ServerGroup
from compute.servers.models import Server
from quota import services as quota


class GroupNotFound(NotFound):
    template = _("Instance group %(id)s could not be found.")


class RulesOfOthers(Invalid):
    template = _("Only anti-affinity policy supports rules.")


def visible(actor: RequestContext, *, everyone: bool = False) -> QuerySet[ServerGroup]:
    policy.require(actor, "os_compute_api:os-server-groups:index", actor.project_id)
    if everyone:
        policy.require(actor, "os_compute_api:os-server-groups:index:all_projects")
        return ServerGroup.objects.all()
    return ServerGroup.objects.filter(project_id=actor.project_id or "")


def find(actor: RequestContext, group_id: str) -> ServerGroup:
    """Find a server group that the actor may see. Raises: GroupNotFound."""
    found = ServerGroup.objects.filter(id=group_id).first()
    if found is None:
        raise GroupNotFound(id=group_id)
    policy.require(actor, "os_compute_api:os-server-groups:show", found, missing=GroupNotFound(id=group_id))
    return found


@transaction.atomic
def create(actor: RequestContext, *, name: str, policy_name: str, rules: dict[str, Any] | None = None) -> ServerGroup:
    """Create a server group with one policy. Raises: RulesOfOthers, QuotaExceeded, Forbidden."""
    project_id = actor.project_id or ""
    policy.require(actor, "os_compute_api:os-server-groups:create", project_id)
    if rules and policy_name != ANTI_AFFINITY:
        raise RulesOfOthers()
    quota.require(project_id, "compute", {"server_groups": 1})
    group = ServerGroup.objects.create(
        name=name, project_id=project_id, user_id=actor.user_id, policy=policy_name, rules=rules or {}
    )
    announce("servergroup", group.id, project_id, what="create")
    return group


@transaction.atomic
def delete(actor: RequestContext, *, group_id: str) -> None:
    """Servers stay; they are in no group then."""
    group = find(actor, group_id)
    policy.require(actor, "os_compute_api:os-server-groups:delete", group)
    Server.objects.filter(server_group_id=group.id).update(server_group_id=None)
    announce("servergroup", group.id, group.project_id, what="delete")
    group.delete()


def members(group_ids: list[str]) -> dict[str, list[str]]:
    """{group id: ids of its living servers}. One query."""
    out: dict[str, list[str]] = {id: [] for id in group_ids}
    rows = Server.objects.living().filter(server_group_id__in=group_ids).order_by("created_at")
    for group_id, server_id in rows.values_list("server_group_id", "id"):
        assert group_id is not None, "filtered by group"
        out[group_id].append(server_id)
    return out
