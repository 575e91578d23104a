"""Noting which pieces a change touches, inside the transaction of the change."""

from collections.abc import Iterable

from django.db import transaction

from networking.desired.models import Change
from networking.ports.models import Port
from networking.securitygroups.models import SecurityGroupRule
from operations import background

TASK = "network"


def touch(*pieces: str, port_id: str = "") -> None:
    """Have these pieces rendered again soon after the present transaction commits. Call it within the transaction.

    With `port_id` only what this port puts into them has changed.
    """
    desired = sorted({piece for piece in pieces if piece})
    if not desired:
        return
    Change.objects.bulk_create([Change(piece=piece, port_id=port_id) for piece in desired])
    connection = transaction.get_connection()
    if not any(hook[1] is _enqueue for hook in connection.run_on_commit):
        transaction.on_commit(_enqueue)


def _enqueue() -> None:
    background.enqueue(TASK, "all")


def touch_network(network_id: str) -> None:
    """Touch a network, its DHCP, and the routers on it (their interfaces carry its MTU and its subnets' prefixes)."""
    routers = Port.objects.filter(network_id=network_id).exclude(router=None).values_list("router_id", flat=True)
    touch(f"network:{network_id}", f"dhcp:{network_id}", *(f"router:{router}" for router in routers))


def touch_port(
    port_id: str,
    network_id: str,
    group_ids: Iterable[str],
    *,
    router_ids: Iterable[str] = (),
    is_bound: bool = True,
    is_moved: bool = False,
) -> None:
    """Touch a port and all that carries its MAC or its addresses: network, DHCP, its groups, its routers.

    A port bound nowhere (`is_bound` False) is in no host's network; one that only moved (`is_moved`) is the same for DHCP.
    """
    groups = set(group_ids)
    if is_bound and groups:  # the host needs the members of every group that these groups' rules name
        naming = SecurityGroupRule.objects.filter(group_id__in=groups).exclude(remote_group=None)
        groups.update(naming.values_list("remote_group_id", flat=True).distinct())
    touch(
        *((f"port:{port_id}", f"network:{network_id}") if is_bound else ()),
        "" if is_moved else f"dhcp:{network_id}",
        *(f"group:{group}" for group in groups),
        *(f"router:{router}" for router in router_ids),
        port_id=port_id,
    )
