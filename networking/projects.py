"""What happens to a project's networks when the project is deleted: all of it goes, in the order in which it hangs."""

from django.db import transaction

from networking.floatingips.models import FloatingIP
from networking.floatingips.services import remove as remove_floating_ip
from networking.networks.models import Network, NetworkGrant
from networking.ports.models import ROUTER_INTERFACE, Port, PortGroup
from networking.ports.services import remove as remove_port
from networking.routers.models import Router
from networking.securitygroups.models import SecurityGroup
from networking.standard import Tag
from networking.subnetpools.models import AddressScope, SubnetPool
from networking.wanted.changes import touch


@transaction.atomic
def delete_all(project_id: str) -> None:
    """Remove all rows of a project. Networks of it that others still use stay, for an operator to see."""
    for floating in FloatingIP.objects.filter(project_id=project_id):
        remove_floating_ip(floating)
    for router in Router.objects.filter(project_id=project_id):
        _delete_router(router)
    for port in Port.objects.filter(project_id=project_id, gateway_of=None, floating_ip_held=None):
        remove_port(port)
    for network in Network.objects.filter(project_id=project_id):
        if not network.ports.exists():
            network_id = network.id
            network.delete()
            touch(f"network:{network_id}", f"dhcp:{network_id}")
    groups = SecurityGroup.objects.filter(project_id=project_id)
    PortGroup.objects.filter(group__in=groups).delete()
    touch(*(f"group:{group}" for group in groups.values_list("id", flat=True)))
    Tag.objects.filter(resource_id__in=list(groups.values_list("id", flat=True))).delete()
    groups.delete()
    NetworkGrant.objects.filter(target_project=project_id).delete()
    SubnetPool.objects.filter(project_id=project_id, subnets=None).delete()
    AddressScope.objects.filter(project_id=project_id, pools=None).delete()


def _delete_router(router: Router) -> None:
    for floating in FloatingIP.objects.filter(router=router):
        floating.save_changes({"port": None, "fixed_ip_address": "", "router": None, "status": "DOWN"})
    leg = router.gateway_port
    if leg is not None:
        router.gateway_port = None
        router.save(update_fields=["gateway_port"])
        remove_port(leg)
    for port in router.legs.filter(role=ROUTER_INTERFACE):
        remove_port(port)
    touch(f"router:{router.id}")
    Router.objects.filter(pk=router.id).delete()
