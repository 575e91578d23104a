"""What must be true of networks while nothing is under way (tests/flows/registry.py)."""

from networking.desired.models import HostPiece
from networking.ports.models import Port
from tests.flows.registry import register
from tests.simulated import Cloud


def check_ports(cloud: Cloud) -> None:
    """Each host has the ports that are bound to it, and no others."""
    for row in HostPiece.objects.filter(piece__startswith="port:"):
        host = Port.objects.filter(id=row.piece.removeprefix("port:")).values_list("host", flat=True).first()
        assert bool(row.reported) == (host == row.host), f"{row.piece} on {row.host}"


register(whole=check_ports)
