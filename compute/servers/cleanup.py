"""What of compute goes when a project goes."""

from common.actor import Actor
from compute.flavors.models import FlavorAccess
from compute.servergroups.models import ServerGroup
from compute.servers import services
from compute.servers.models import Server


def project_gone(project_id: str) -> None:
    """Delete the project's servers (each by its own flow), its groups and its access to flavors."""
    actor = Actor.internal("project deletion", project_id=project_id)
    for server_id in Server.objects.living().filter(project_id=project_id).values_list("id", flat=True):
        services.delete(actor, server_id=server_id)
    ServerGroup.objects.filter(project_id=project_id).delete()
    FlavorAccess.objects.filter(project_id=project_id).delete()
