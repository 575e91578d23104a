"""What must hold of a cloud in which nothing is under way: nothing half-made, rows and hosts agree."""

from compute.servers import states, steps
from compute.servers.models import Server
from hosts.models import HostDebt
from images.images.models import Image
from networking.ports.models import Port
from networking.wanted.models import HostPiece
from operations.models import LIVE, Hold, Operation, Waiter
from placement import services as placement
from tests.simulated import Cloud


def check(world: Cloud) -> None:
    """AssertionError names what is left over or missing."""
    assert not Operation.objects.filter(state__in=LIVE).exists()
    assert list(Hold.objects.all()) == [] and list(Waiter.objects.all()) == []
    servers = {server.id: server for server in Server.objects.living()}
    claims = set()
    for server in servers.values():
        check_server(world, server)
        claims |= {server.id} if server.host else set()
        claims |= {steps.old_claim(server.id)} if server.before_resize else set()
    assert set(placement.consumers()) == claims, "claims are those of the servers that are on hosts"
    for host in world.hosts():
        here = {server.id for server in servers.values() if server.host == host}
        here |= set(HostDebt.objects.filter(host=host).values_list("key", flat=True))
        assert {*world.disks(host), *world.domains(host)} <= here, f"{host} has what no row places there"
    ports = set(Port.objects.exclude(server_id="").values_list("server_id", flat=True))
    assert ports <= set(servers), "ports of servers that are gone"
    assert not Image.objects.filter(status__in=("queued", "saving")).exists(), "an image that nobody fills"
    check_network()


def check_server(world: Cloud, server: Server) -> None:
    assert server.task_state is None, f"{server.vm_state} and still {server.task_state}"
    if server.vm_state == states.ERROR:
        assert len(server.fault_message) > 10, "an ERROR without a sentence"
    assert {port.host for port in Port.objects.of_server(server)} <= {server.host}
    owned = set(Port.objects.of_server(server).values_list("id", flat=True))
    assert set(server.own_ports) <= owned, "a port of the server is gone"
    wanted = states.DOMAIN_WANTED.get(server.vm_state)
    if server.host and wanted:
        storage = world.agent(server.host).storage
        state = world.domains(server.host).get(server.id, "absent")
        assert state == wanted or (wanted, state) == ("shutoff", "absent"), f"{server.vm_state} but {state}"
        assert storage.sizes.get(server.id) == server.flavor["disk"]
        before = (server.before_resize or {}).get("flavor", server.flavor)["disk"]
        kept = storage.kept.get(server.id)
        assert kept in (None, before)
        assert (kept is not None) == (before < server.flavor["disk"]), "a disk of an earlier size"
        held = placement.held_by(server.id)[server.host]
        assert (held["VCPU"], held["MEMORY_MB"]) == (server.flavor["vcpus"], server.flavor["ram"])


def check_copies(world: Cloud) -> None:
    """What a server has written is somewhere at every moment, unless its user asked for the end of it.

    A disk on a host, or an image made of that disk. One that is rebuilt needs the image it is made of instead.
    """
    for server in Server.objects.living().exclude(launched_at=None):
        if world.has_disk(server.id):
            continue
        asked = set(Operation.objects.filter(subject_id=server.id).values_list("flow", flat=True))
        images = Image.objects.filter(status="active")
        kept = images.filter(properties__instance_uuid=server.id).exists()
        wanted = "server.rebuild" in asked and images.filter(id=server.image_id).exists()
        assert kept or wanted or "server.delete" in asked, f"nothing is left of a server that is {server.vm_state}"


def check_network() -> None:
    """Each host has the ports that are bound to it, and no others."""
    for row in HostPiece.objects.filter(piece__startswith="port:"):
        host = Port.objects.filter(id=row.piece.removeprefix("port:")).values_list("host", flat=True).first()
        assert bool(row.reported) == (host == row.host), f"{row.piece} on {row.host}"
