"""Ownership of ports.

The API may write any text into `device_id` and `device_owner`, as in Neutron; nothing is bound, told or shown because of it.
A port becomes a server's by `attach`, or by being made with an Attachment, and only compute calls those.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from common.live import announce
from networking.desired.changes import touch_port
from networking.errors import PortNotFound
from networking.ports import states
from networking.ports.models import GUEST_PREFIX, Port, PortGroup

#: Kind of device → the project of the living one with an id, None if there is none. Upper apps add theirs.
_projects: dict[str, Callable[[str], str | None]] = {}


class DeviceIDNotOwnedByTenant(Conflict):
    """Neutron's words, for an id of another project's as for `compute:` owners of what nobody has."""

    template = _("The following device_id %(id)s is not owned by your tenant or matches another tenants router.")


class PortNotUsable(Invalid):
    template = _("Port %(id)s not usable for instance %(server)s.")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A server as the owner of a port. `owner` is what the port's `device_owner` shows."""

    server_id: str
    project_id: str
    owner: str
    hostname: str

    def columns(self) -> dict[str, object]:
        """Columns of a port of this server."""
        texts = {"device_id": self.server_id, "device_owner": self.owner, "dns_name": self.hostname}
        return {"server_id": self.server_id, **texts}


def register(kind: str, project_of: Callable[[str], str | None]) -> None:
    """Name a kind of device whose ids a port of another project must not carry."""
    _projects[kind] = project_of


def require_own(actor: RequestContext, project_id: str, device_id: str, owner: str) -> None:
    """Check a user's text about a port's device: never another project's, and `compute:` only with a server of the port's.

    The answer for an id that exists and for one that does not is the same wherever `compute:` is claimed. An administrator
    may claim it of anything that is no other project's.
    Raises: DeviceIDNotOwnedByTenant.
    """
    owners = {kind: project_of(device_id) for kind, project_of in _projects.items()} if device_id else {}
    if any(project is not None and project != project_id for project in owners.values()):
        raise DeviceIDNotOwnedByTenant(id=device_id)
    if owner.startswith(GUEST_PREFIX) and not actor.is_admin and owners.get("server") != project_id:
        raise DeviceIDNotOwnedByTenant(id=device_id)


def is_taken(port: Port) -> bool:
    """Whether a port belongs to something, or its user says so."""
    return bool(port.server_id or port.role or port.device_id)


@transaction.atomic
def attach(port_id: str, to: Attachment) -> None:
    """Make a port a server's. Raises: PortNotFound, PortNotUsable for a port of another project or of something else."""
    port = _locked(port_id)
    if port.project_id != to.project_id or port.role or port.server_id not in ("", to.server_id):
        raise PortNotUsable(id=port_id, server=to.server_id)
    _write(port, to.columns())


@transaction.atomic
def detach(port_id: str, server_id: str) -> None:
    """Give a port of this server back to its user, bound nowhere. Raises: PortNotFound."""
    port = _locked(port_id)
    if port.server_id == server_id:
        texts = {"device_id": "", "device_owner": "", "dns_name": ""}
        _write(port, {"server_id": "", **texts, "host": "", "status": states.DOWN})


def _locked(port_id: str) -> Port:
    port = Port.objects.select_for_update().filter(pk=port_id).first()
    if port is None:
        raise PortNotFound(id=port_id)
    return port


def _write(port: Port, columns: dict[str, object]) -> None:
    port.save_changes(columns)
    touch_port(port.id, port.network_id, PortGroup.objects.filter(port=port).values_list("group_id", flat=True))
    announce("port", port.id, port.project_id)
