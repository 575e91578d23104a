"""A server's interfaces: ports bound, plugged and given back, in its launch and while it runs."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import NotFound, from_report
from compute.servers.create import networks
from compute.servers.create.networks import Nic
from compute.servers.lifecycle import domain, states, steps
from compute.servers.lifecycle.services import as_compute, find, for_verb, require
from compute.servers.models import Server
from hostagent.contract.server import SERVER_ATTACH_PORT, SERVER_DETACH_PORT, ServerPort
from networking import desired
from networking.desired.changes import touch
from networking.ports import devices
from networking.ports import services as ports
from networking.ports import updates as port_updates
from networking.ports.models import Port
from operations import Flow, Step, Wait
from operations.op import Op
from operations.starting import run


def owner_of(server: Server) -> str:
    """Return a port's `device_owner` once it belongs to a server."""
    return f"compute:{server.availability_zone or server.pinned_availability_zone or 'nova'}"


def plug(actor: RequestContext, server: Server, nic: Nic, groups: list[str] | None) -> tuple[str, bool]:
    """Give a server a port, the user's or a new one: (port id, whether it was made for this server).

    Raises: PortTaken, and what the network service raises.
    """
    attachment = devices.Attachment(server.id, server.project_id, owner_of(server), server.hostname)
    if nic.port_id:
        devices.attach(nic.port_id, attachment)
        return nic.port_id, False
    fixed: list[dict[str, object]] | None = [{"ip_address": nic.fixed_ip}] if nic.fixed_ip else None
    port = ports.create(
        actor,
        network_id=nic.network_id,
        project_id=server.project_id,
        fixed_ips=fixed,
        security_groups=groups,
        attachment=attachment,
    )
    return port.id, True


def unplug(server: Server, port_id: str, actor: RequestContext) -> None:
    """Delete a port that came with the server, or give back one that a user had made."""
    if port_id in server.own_ports:
        ports.delete(actor, port_id)
    else:
        devices.detach(port_id, server.id)


def free_ports(server: Server, actor: RequestContext) -> None:
    for port in domain.ports_of(server):
        unplug(server, port["port_id"], actor)


# ── Steps of every flow that puts a server on a host ──────────────────────────────────────────────────────────────────


def bind_ports(op: Op) -> Wait | None:
    server = steps.alive(op)
    for port in domain.ports_of(server):
        ports.bind(port["port_id"], server.host)
    return None


def unbind_ports(op: Op) -> Wait | None:
    for port in domain.ports_of(steps.of(op)):
        ports.unbind(port["port_id"])
    return None


def plug_vifs(op: Op) -> Wait | None:
    """Wait until the host's network is as desired for every port of the server."""
    server = steps.alive(op)
    port_ids = op.data.get("port_ids")
    if port_ids is None:
        port_ids = op.data["port_ids"] = [port["port_id"] for port in domain.ports_of(server)]
    if not port_ids:
        return None
    op.on_host(server.host)
    answer = desired.in_sync(server.host, port_ids)
    if answer is True:
        return None
    if isinstance(answer, dict):
        raise from_report(server.host, answer.get("code", "network_refused"), answer.get("data", {}))
    return Wait(2.0, on=[("port", port_id) for port_id in port_ids])


# ── Attach ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bind_port(op: Op) -> None:
    """Bind the new port to the server's host. `plug_vifs` then waits for this port alone."""
    op.data["port_ids"] = [op.data["port_id"]]  # the others may wait in line behind this one
    ports.bind(op.data["port_id"], steps.alive(op).host)


def plug_live(op: Op) -> Wait | None:
    """Plug the port into a machine that is there; one that is off has it at its next start."""
    server = steps.of(op)
    if op.answer is not None or states.is_off(op.data["rest"]):
        return None
    spec = next((p for p in domain.ports_of(server) if p["port_id"] == op.data["port_id"]), None)
    if spec is None:
        return None
    body = ServerPort(server_id=server.id, port=spec)
    return op.cast(server.host, SERVER_ATTACH_PORT, body, generation=server.generation)


def unplug_live(op: Op) -> Wait | None:
    server = steps.of(op)
    if op.answer is not None or not server.host or states.is_off(op.data["rest"]):
        return None
    body = ServerPort(server_id=server.id, port=op.data["port"])
    return op.cast(server.host, SERVER_DETACH_PORT, body, generation=server.generation)


def free_port(op: Op) -> None:
    server = steps.of(op)
    if any(p["port_id"] == op.data["port_id"] for p in domain.ports_of(server)):
        unplug(server, op.data["port_id"], op.actor)
    server.change(own_ports=[id for id in server.own_ports if id != op.data["port_id"]])


#: Nothing finalizes the server: the verbs that attach and detach have no task and lead to no other state (states.VERBS).
ATTACH_INTERFACE = Flow(
    "server.attach_interface",
    version=1,
    steps=(
        Step("bind_port", do=bind_port, undo=free_port, label=_("Bind the port to the host")),
        Step("wire_network", do=plug_vifs, label=_("Plug the interfaces")),
        Step("plug", do=plug_live, undo=unplug_live, label=_("Plug the interface in")),
    ),
    label=_("Attach an interface"),
)


@transaction.atomic
def attach_interface(actor: RequestContext, *, server_id: str, nic: Nic | None) -> str:
    """Begin to attach another interface: a port of the user's, or a new one. Returns the port's id at once.

    Raises: WrongState, PortTaken, NetworkUnknown, and what the network service raises.
    """
    server = for_verb(actor, server_id, "attach_interface")
    wanted = networks.resolve(actor, [nic] if nic else "auto")
    port_id, is_own = plug(actor, server, wanted[0], None)
    own = [*server.own_ports, port_id] if is_own else server.own_ports
    run(actor, server, "attach_interface", ATTACH_INTERFACE, {"port_id": port_id}, own_ports=own)
    return port_id


# ── Detach ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PortNotHere(NotFound):
    template = _("Port %(id)s is not attached to the instance.")


DETACH_INTERFACE = Flow(
    "server.detach_interface",
    version=1,
    steps=(
        Step("unplug", do=unplug_live, label=_("Pull the interface out")),
        Step("free_port", do=free_port, label=_("Free the port")),
    ),
    label=_("Detach an interface"),
)


@transaction.atomic
def detach_interface(actor: RequestContext, *, server_id: str, port_id: str) -> None:
    """Begin to detach an interface. Raises: PortNotHere, WrongState."""
    server = for_verb(actor, server_id, "detach_interface")
    row = Port.objects.of_server(server).filter(id=port_id)
    found = row.values("id", "network_id", "mac_address", "network__mtu").first()
    if found is None:
        raise PortNotHere(id=port_id)
    port = {
        "port_id": port_id,
        "network_id": found["network_id"],
        "mac": found["mac_address"],
        "mtu": found["network__mtu"],
    }
    data = {"port_id": port_id, "port": port}
    run(actor, server, "detach_interface", DETACH_INTERFACE, data)


# ── Addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def send_network_again(actor: RequestContext, *, server_id: str) -> None:
    """Have the host plug the server's ports anew."""
    server = find(actor, server_id, "os_compute_api:os-admin-actions:inject_network_info")
    touch(*(f"port:{port_id}" for port_id in Port.objects.of_server(server).values_list("id", flat=True)))


@transaction.atomic
def add_fixed_ip(actor: RequestContext, *, server_id: str, network_id: str) -> None:
    """Add an address to the server's port in a network. Raises: PortNotHere."""
    server = find(actor, server_id, "os_compute_api:os-multinic:add", lock=True)
    require(actor, server, "attach_interface")
    port = Port.objects.of_server(server).filter(network_id=network_id).first()
    if port is None:
        raise PortNotHere(id=network_id)
    have = [{"ip_address": ip} for ip in port.fixed_ips.values_list("ip_address", flat=True)]
    subnet = port.fixed_ips.values_list("subnet_id", flat=True).first() or ""
    port_updates.update(as_compute(actor, server), port.id, fixed_ips=[*have, {"subnet_id": subnet}])
    server.change()


@transaction.atomic
def remove_fixed_ip(actor: RequestContext, *, server_id: str, address: str) -> None:
    """Remove an address from the server's port that has it. Raises: PortNotHere if none has."""
    server = find(actor, server_id, "os_compute_api:os-multinic:remove", lock=True)
    require(actor, server, "detach_interface")
    port = Port.objects.of_server(server).filter(fixed_ips__ip_address=address).first()
    if port is None:
        raise PortNotHere(id=address)
    rest = port.fixed_ips.exclude(ip_address=address).values_list("ip_address", flat=True)
    port_updates.update(as_compute(actor, server), port.id, fixed_ips=[{"ip_address": ip} for ip in rest])
    server.change()
