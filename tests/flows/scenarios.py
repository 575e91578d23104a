"""For each flow: what has to be there before, what starts it, and where its server rests after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from common.actor import Actor
from compute.servers import adopting, owed, reconcile
from compute.servers.models import Server
from hosts import debts
from networking.ports.models import Port
from operations import start
from tests.compute.client import Client
from tests.simulated import Cloud

GONE = "99999999-0000-4000-8000-000000000001"


@dataclass
class Stage:
    world: Cloud
    red: Client
    launch: Callable[..., str]
    image: Any
    network: Any

    def act(self, server_id: str, body: dict[str, Any], status: int = 202) -> None:
        self.red.ok("post", f"servers/{server_id}/action", body, status=status)

    def prepare(self, scenario: "Scenario") -> str:
        """A settled server in the state that the scenario begins from ("" where it begins with none)."""
        if not scenario.before:
            return ""
        server_id = self.launch()
        for act in scenario.before[1:]:
            act(self, server_id)
            self.world.settle()
        return server_id


Act = Callable[[Stage, str], str | None]


@dataclass(frozen=True)
class Scenario:
    """`before`: () for none, (launched,) or more. `begin` returns the server's id where it makes one."""

    before: tuple[Act, ...]
    begin: Act
    ends: str
    subject: str = "server"


def launched(stage: Stage, server_id: str) -> None:
    """The first of every `before`: Stage.prepare launches by itself."""


def _action(body: dict[str, Any], status: int = 202) -> Act:
    return lambda stage, server_id: stage.act(server_id, body, status)


def _create(stage: Stage, server_id: str) -> str:
    return stage.launch(settle=False)


def _delete(stage: Stage, server_id: str) -> None:
    stage.red.ok("delete", f"servers/{server_id}", status=204)


def _rebuild(stage: Stage, server_id: str) -> None:
    stage.act(server_id, {"rebuild": {"imageRef": stage.image.id}})


def _attach(stage: Stage, server_id: str) -> None:
    stage.red.ok("post", f"servers/{server_id}/os-interface", {"interfaceAttachment": {"net_id": stage.network.id}})


def _detach(stage: Stage, server_id: str) -> None:
    port = Port.objects.filter(device_id=server_id).order_by("-created_at").values_list("id", flat=True)[0]
    stage.red.ok("delete", f"servers/{server_id}/os-interface/{port}", status=202)


def _host_lost_it(stage: Stage, server_id: str) -> None:
    """The machine is gone from its host, which comes back and tells so."""
    host = Server.objects.get(id=server_id).host
    stage.world.agent(host).lose(server_id)
    with transaction.atomic():
        reconcile.keep_running(host, {})


def _look(stage: Stage, server_id: str) -> None:
    with transaction.atomic():
        reconcile.look("host1", mend=True)


def _owe(stage: Stage, server_id: str) -> None:
    """The host owes the removal of what another server once had there."""
    with transaction.atomic():
        gone = Server(id=GONE, host="host1", project_id="red", generation=2)
        stage.world.agent("host1").put_guest(GONE)
        owed.removal(gone)
        debts.work_off("host1")


def _adopt(stage: Stage, server_id: str) -> None:
    with transaction.atomic():
        data = {"item": "", "server_id": "", "project": ""}
        start(adopting.ADOPT, subject=("host", "host1"), project_id=None, actor=Actor.internal("t"), data=data)


STOP, PAUSE, SUSPEND = _action({"os-stop": None}), _action({"pause": None}), _action({"suspend": None})
RESIZE, SHELVE = _action({"resize": {"flavorRef": "small"}}), _action({"shelve": None})
BACKUP = _action({"createBackup": {"name": "b", "backup_type": "daily", "rotation": 1}})

SCENARIOS: dict[str, Scenario] = {
    "server.boot": Scenario((), _create, "active"),
    "server.stop": Scenario((launched,), STOP, "stopped"),
    "server.start": Scenario((launched, STOP), _action({"os-start": None}), "active"),
    "server.keep": Scenario((launched,), _host_lost_it, "active"),
    "server.reboot_soft": Scenario((launched,), _action({"reboot": {"type": "SOFT"}}), "active"),
    "server.reboot_hard": Scenario((launched,), _action({"reboot": {"type": "HARD"}}), "active"),
    "server.pause": Scenario((launched,), PAUSE, "paused"),
    "server.unpause": Scenario((launched, PAUSE), _action({"unpause": None}), "active"),
    "server.suspend": Scenario((launched,), SUSPEND, "suspended"),
    "server.resume": Scenario((launched, SUSPEND), _action({"resume": None}), "active"),
    "server.delete": Scenario((launched,), _delete, "deleted"),
    "server.rebuild": Scenario((launched,), _rebuild, "active"),
    "server.resize": Scenario((launched,), RESIZE, "resized"),
    "server.confirm_resize": Scenario((launched, RESIZE), _action({"confirmResize": None}, 204), "active"),
    "server.revert_resize": Scenario((launched, RESIZE), _action({"revertResize": None}), "active"),
    "server.snapshot": Scenario((launched,), _action({"createImage": {"name": "s"}}), "active"),
    "server.backup": Scenario((launched, BACKUP), BACKUP, "active"),
    "server.shelve": Scenario((launched,), SHELVE, "shelved_offloaded"),
    "server.unshelve": Scenario((launched, SHELVE), _action({"unshelve": None}), "active"),
    "server.attach_interface": Scenario((launched,), _attach, "active"),
    "server.detach_interface": Scenario((launched, _attach), _detach, "active"),
    "host.debt": Scenario((launched,), _owe, "active", subject="host"),
    "host.adopt": Scenario((launched,), _adopt, "active", subject="host"),
    "host.look": Scenario((launched,), _look, "active", subject="host"),
}
