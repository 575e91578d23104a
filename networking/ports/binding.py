"""Binding a port to a host: from then on the host is told to plug it."""

from django.db import transaction

from common.live import announce
from common.prepared import Prepared
from networking.desired.changes import touch_port
from networking.errors import PortNotFound
from networking.ports import states
from networking.ports.models import Port, PortGroup


@transaction.atomic
def bind(port_id: str, host: str) -> None:
    """Bind a port to a host, which plugs it. Binding to the present host again changes nothing."""
    _move(port_id, host)


@transaction.atomic
def unbind(port_id: str) -> None:
    """Take the port off its host. A port that is gone, or bound nowhere, is fine."""
    if Port.objects.filter(pk=port_id).exclude(host="").exists():
        _move(port_id, "")


_locked_port = Prepared(lambda id: Port.objects.select_for_update().filter(pk=id))


def _move(port_id: str, host: str) -> None:
    port: Port | None = _locked_port.first(port_id)
    if port is None:
        raise PortNotFound(id=port_id)
    if port.host == host:
        return
    port.save_changes({"host": host, "status": states.DOWN})
    groups = PortGroup.objects.filter(port=port).values_list("group_id", flat=True)
    touch_port(port.id, port.network_id, groups, is_moved=True)
    announce("port", port.id, port.project_id)
