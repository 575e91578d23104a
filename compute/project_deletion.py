"""Compute's rows of a project, and their removal with the project."""

from django.db.models import QuerySet
from django.utils.translation import ngettext_lazy

from authorization.context import RequestContext
from compute.drafts.models import Draft
from compute.flavors.models import FlavorAccess
from compute.servergroups.models import ServerGroup
from compute.servers.lifecycle import deletion
from compute.servers.models import Migration, Server
from identity.projects import owned


def register() -> None:
    owned.register(
        owned.Owned(
            order=10,
            label=ngettext_lazy("%(count)s instance", "%(count)s instances", "count"),
            rows=lambda project: Server.objects.living().filter(project_id=project).order_by("created_at"),
            remove=delete_servers,
            models=(Server,),
        ),
        owned.Owned(
            order=20,
            label=ngettext_lazy("%(count)s server group", "%(count)s server groups", "count"),
            rows=_groups,
            remove=_delete_groups,
            models=(ServerGroup,),
        ),
    )
    owned.aside(Migration, "history of servers")
    owned.aside(Draft, "what its users typed for launches", remove=_forget_drafts)
    owned.aside(
        FlavorAccess,
        "an operator's word about flavors",
        remove=_forget_access,
    )


def _groups(project_id: str) -> QuerySet[ServerGroup]:
    return ServerGroup.objects.filter(project_id=project_id).order_by("created_at")


def _delete_groups(project_id: str) -> None:
    _groups(project_id).delete()


def _forget_access(project_id: str) -> None:
    FlavorAccess.objects.filter(project_id=project_id).delete()


def _forget_drafts(project_id: str) -> None:
    Draft.objects.filter(project_id=project_id).delete()


def delete_servers(project_id: str) -> None:
    """Delete the project's servers, each by its own flow."""
    actor = RequestContext.internal("project deletion", project_id=project_id)
    for server_id in Server.objects.living().filter(project_id=project_id).values_list("id", flat=True):
        deletion.delete(actor, server_id=server_id)
