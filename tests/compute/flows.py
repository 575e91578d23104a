"""How the flows of servers are played, and what must be true of servers (tests/flows/registry.py)."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from authorization.context import RequestContext
from compute.flavors.services import seed
from compute.servers.lifecycle import adopting, owed, reconcile, states, steps
from compute.servers.models import Server
from hosts import debts, reconciliation
from hosts.models import HostDebt
from images.images.models import Image
from networking.ports.models import Port
from operations import flows
from operations import start as start_operation
from operations.models import Operation, State
from placement import services as placement
from tests.compute.client import Client, make_image, make_network
from tests.flows.registry import Act, Scenario, Stage, begun, register
from tests.simulated import Cloud

GONE = "99999999-0000-4000-8000-000000000001"


class Servers(Stage):
    """Project red with an image and a network, on one host; `red` is a client of its member."""

    def __init__(self, cloud: Cloud, token: Callable[..., str]) -> None:
        super().__init__(cloud, token)
        seed()
        cloud.host("host1")
        self.image, self.network = make_image(), make_network()
        self.red = Client(HTTP_X_AUTH_TOKEN=token("red"))

    def launch(self) -> str:
        return self.red.launch(self.image)

    def make(self) -> str:
        server_id = self.launch()
        self.cloud.settle()
        return server_id

    def remove(self, id: str) -> None:
        if Server.objects.living().filter(id=id).exists():
            _delete(self, id)
            self.cloud.settle()
        assert Server.objects.get(id=id).deleted
        assert not self.cloud.where(id)

    def check_rests(self, id: str, state: str) -> None:
        server = Server.objects.get(id=id)
        assert (server.vm_state, server.task_state, server.fault_code) == (state, None, "")

    def check_failed(self, id: str, operation: Operation) -> None:
        flow = flows.find(operation.flow, operation.version)
        if operation.subject_kind == "server" and flow.on_failed is not None:
            assert "made the step" in Server.objects.get(id=id).fault_message

    def check_parked(self, id: str, operation: Operation) -> None:
        server = Server.objects.get(id=id)
        assert (operation.state, server.vm_state, server.task_state) == (State.BROKEN, states.ERROR, None)
        assert "made the step" in server.fault_message

    def check_waits_for_nothing(self, id: str) -> None:
        server = Server.objects.get(id=id)
        assert server.deleted or server.task_state is None


# ── What begins each flow ───────────────────────────────────────────────────────────────────────────────────────────


def _action(body: dict[str, Any], status: int = 202) -> Act:
    return lambda stage, server_id: stage.red.act(server_id, body, status)


def _create(stage: Servers, server_id: str) -> str:
    return stage.launch()


def _delete(stage: Servers, server_id: str) -> None:
    stage.red.ok("delete", f"servers/{server_id}", status=204)


def _rebuild(stage: Servers, server_id: str) -> None:
    stage.red.act(server_id, {"rebuild": {"imageRef": stage.image.id}})


def _attach(stage: Servers, server_id: str) -> None:
    stage.red.ok("post", f"servers/{server_id}/os-interface", {"interfaceAttachment": {"net_id": stage.network.id}})


def _detach(stage: Servers, server_id: str) -> None:
    port = Port.objects.filter(device_id=server_id).order_by("-created_at").values_list("id", flat=True)[0]
    stage.red.ok("delete", f"servers/{server_id}/os-interface/{port}", status=202)


def _host_lost_it(stage: Servers, server_id: str) -> None:
    """The machine is gone from its host, which comes back and tells so."""
    host = Server.objects.get(id=server_id).host
    stage.cloud.agent(host).lose(server_id)
    with transaction.atomic():
        reconcile.ensure_running(host, {})


def _look(stage: Servers, server_id: str) -> None:
    with transaction.atomic():
        reconciliation.inspect("host1", reconcile=True)


def _owe(stage: Servers, server_id: str) -> None:
    """The host owes the removal of what another server once had there."""
    stage.cloud.agent("host1").put_guest(GONE)
    with transaction.atomic():
        owed.removal(Server(id=GONE, host="host1", project_id="red", generation=2))
        debts.work_off("host1")


def _adopt(stage: Servers, server_id: str) -> None:
    with transaction.atomic():
        data = {"item": "", "server_id": "", "project": ""}
        actor = RequestContext.internal("t")
        start_operation(adopting.ADOPT, subject=("host", "host1"), project_id=None, actor=actor, data=data)


STOP, PAUSE, SUSPEND = _action({"os-stop": None}), _action({"pause": None}), _action({"suspend": None})
RESIZE, SHELVE = _action({"resize": {"flavorRef": "small"}}), _action({"shelve": None})
BACKUP = _action({"createBackup": {"name": "b", "backup_type": "daily", "rotation": 1}})

SCENARIOS: dict[str, Scenario] = {
    "server.boot": Scenario((), _create, "active"),
    "server.stop": Scenario((begun,), STOP, "stopped"),
    "server.start": Scenario((begun, STOP), _action({"os-start": None}), "active"),
    "server.keep": Scenario((begun,), _host_lost_it, "active"),
    "server.reboot_soft": Scenario((begun,), _action({"reboot": {"type": "SOFT"}}), "active"),
    "server.reboot_hard": Scenario((begun,), _action({"reboot": {"type": "HARD"}}), "active"),
    "server.pause": Scenario((begun,), PAUSE, "paused"),
    "server.unpause": Scenario((begun, PAUSE), _action({"unpause": None}), "active"),
    "server.suspend": Scenario((begun,), SUSPEND, "suspended"),
    "server.resume": Scenario((begun, SUSPEND), _action({"resume": None}), "active"),
    "server.delete": Scenario((begun,), _delete, "deleted"),
    "server.rebuild": Scenario((begun,), _rebuild, "active"),
    "server.resize": Scenario((begun,), RESIZE, "resized"),
    "server.confirm_resize": Scenario((begun, RESIZE), _action({"confirmResize": None}, 204), "active"),
    "server.revert_resize": Scenario((begun, RESIZE), _action({"revertResize": None}), "active"),
    "server.snapshot": Scenario((begun,), _action({"createImage": {"name": "s"}}), "active"),
    "server.backup": Scenario((begun, BACKUP), BACKUP, "active"),
    "server.shelve": Scenario((begun,), SHELVE, "shelved_offloaded"),
    "server.unshelve": Scenario((begun, SHELVE), _action({"unshelve": None}), "active"),
    "server.attach_interface": Scenario((begun,), _attach, "active"),
    "server.detach_interface": Scenario((begun, _attach), _detach, "active"),
    "host.debt": Scenario((begun,), _owe, "active", of_a_host=True),
    "host.adopt": Scenario((begun,), _adopt, "active", of_a_host=True),
    "host.look": Scenario((begun,), _look, "active", of_a_host=True),
}


# ── What must be true of servers ────────────────────────────────────────────────────────────────────────────────────


def check_servers(cloud: Cloud) -> None:
    """Rows and hosts agree, and nothing is half-made."""
    servers = {server.id: server for server in Server.objects.living()}
    for server in servers.values():
        check_server(cloud, server)
    for host in cloud.hosts():
        here = {server.id for server in servers.values() if server.host == host}
        here |= set(HostDebt.objects.filter(host=host).values_list("key", flat=True))
        assert {*cloud.disks(host), *cloud.domains(host)} <= here, f"{host} has what no row places there"
    ports = set(Port.objects.exclude(server_id="").values_list("server_id", flat=True))
    assert ports <= set(servers), "ports of servers that are gone"


def check_server(cloud: Cloud, server: Server) -> None:
    assert server.task_state is None, f"{server.vm_state} and still {server.task_state}"
    if server.vm_state == states.ERROR:
        assert len(server.fault_message) > 10, "an ERROR without a sentence"
    assert {port.host for port in Port.objects.of_server(server)} <= {server.host}
    owned = set(Port.objects.of_server(server).values_list("id", flat=True))
    assert set(server.own_ports) <= owned, "a port of the server is gone"
    wanted = states.DOMAIN_WANTED.get(server.vm_state)
    if server.host and wanted:
        state = cloud.domains(server.host).get(server.id, "absent")
        assert state == wanted or (wanted, state) == ("shutoff", "absent"), f"{server.vm_state} but {state}"
        check_disk(cloud, server)
        held = placement.held_by(server.id)[server.host]
        assert (held["VCPU"], held["MEMORY_MB"]) == (server.flavor["vcpus"], server.flavor["ram"])


def check_disk(cloud: Cloud, server: Server) -> None:
    """Its root disk is as large as its flavor says; one of an earlier size lies beside it while a resize waits for a word."""
    if server.boots_from_volume:
        assert server.id not in cloud.disks(server.host), "a root disk beside the volume that it boots from"
        return
    size, kept = cloud.disk_sizes(server.host, server.id)
    assert size == server.flavor["disk"]
    before = (server.before_resize or {}).get("flavor", server.flavor)["disk"]
    assert kept in (None, before)
    assert (kept is not None) == (before < server.flavor["disk"]), "a disk of an earlier size"


def claims() -> set[str]:
    """Those of the servers that are on hosts."""
    found = set()
    for server in Server.objects.living():
        found |= {server.id} if server.host else set()
        found |= {steps.old_claim(server.id)} if server.before_resize else set()
    return found


def check_copies(cloud: Cloud) -> None:
    """A7: what a server has written is somewhere at every moment, unless its user asked for the end of it.

    A disk on a host, or an image made of that disk. One that is rebuilt needs the image it is made of instead. A volume is its own row's.
    """
    for server in Server.objects.living().exclude(launched_at=None).exclude(boots_from_volume=True):
        if cloud.has_disk(server.id):
            continue
        asked = set(Operation.objects.filter(subject_id=server.id).values_list("flow", flat=True))
        images = Image.objects.filter(status="active")
        kept = images.filter(properties__instance_uuid=server.id).exists()
        wanted = "server.rebuild" in asked and images.filter(id=server.image_id).exists()
        assert kept or wanted or "server.delete" in asked, f"nothing is left of a server that is {server.vm_state}"


register(stage=Servers, scenarios=SCENARIOS, whole=check_servers, always=check_copies, claims=claims)
