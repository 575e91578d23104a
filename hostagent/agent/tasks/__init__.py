"""The function that carries out each verb of the contract (hostagent.contract): the agent's column of the table.

A task gets the body that its row names, acts once through a driver, and returns the answer that its row names; None is an
empty one.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from hostagent.agent.job import Job
from hostagent.agent.tasks import disks, servers, setaside, volumes
from hostagent.agent.tasks import host as hosts
from hostagent.agent.tasks.served import Served
from hostagent.contract import Verb
from hostagent.contract.disk import DISK_ENSURE, DISK_REMOVE, DISK_RESIZE
from hostagent.contract.host import HOST_READ, HOST_RECOGNISE
from hostagent.contract.network import NETWORK_APPLY, PORT_PROBE
from hostagent.contract.server import (
    SERVER_ATTACH_DISK,
    SERVER_ATTACH_PORT,
    SERVER_DESCRIBE,
    SERVER_DETACH_DISK,
    SERVER_DETACH_PORT,
    SERVER_ENSURE,
    SERVER_PAUSE,
    SERVER_REBOOT,
    SERVER_REMOVE,
    SERVER_RESUME,
    SERVER_SNAPSHOT,
    SERVER_STOP,
    SERVER_SUSPEND,
    SERVER_UNPAUSE,
    DomainState,
    OfServer,
)
from hostagent.contract.setaside import SETASIDE_BACK, SETASIDE_DROP, SETASIDE_LIST, SETASIDE_PUT
from hostagent.contract.volume import (
    EXPORT_ENSURE,
    EXPORT_REMOVE,
    SNAPSHOT_ENSURE,
    SNAPSHOT_REMOVE,
    SNAPSHOT_RESTORE,
    VOLUME_ENSURE,
    VOLUME_REMOVE,
    VOLUME_RESIZE,
    VOLUME_SEND,
)

Body = TypeVar("Body")
Answer = TypeVar("Answer")
Task = Callable[[Served, Any, Job], Any]


def does(verb: Verb[Body, Answer], task: Callable[[Served, Body, Job], Answer | None]) -> tuple[Verb[Any, Any], Task]:
    return verb, task


def _power(host: Served, body: OfServer, job: Job) -> DomainState:
    """Which verb of power it is, the driver reads from the job: it has one way for each."""
    return {"state": host.hypervisor.power(body["server_id"], job)}


TASKS: Final[dict[Verb[Any, Any], Task]] = dict(
    (
        does(DISK_ENSURE, lambda host, body, job: host.storage.ensure_disk(body, job)),
        does(DISK_REMOVE, disks.remove),
        does(
            DISK_RESIZE, lambda host, body, job: host.storage.ensure_size(body["server_id"], int(body["size_gib"]), job)
        ),
        does(SERVER_ENSURE, servers.ensure),
        does(SERVER_REMOVE, lambda host, body, job: host.hypervisor.remove(body["server_id"], job)),
        does(SERVER_STOP, _power),
        does(SERVER_REBOOT, _power),
        does(SERVER_PAUSE, _power),
        does(SERVER_UNPAUSE, _power),
        does(SERVER_SUSPEND, _power),
        does(SERVER_RESUME, _power),
        does(
            SERVER_ATTACH_PORT,
            lambda host, body, job: host.hypervisor.ensure_port(body["server_id"], body["port"], job),
        ),
        does(
            SERVER_DETACH_PORT,
            lambda host, body, job: host.hypervisor.remove_port(body["server_id"], body["port"], job),
        ),
        does(SERVER_ATTACH_DISK, servers.attach_disk),
        does(
            SERVER_DETACH_DISK,
            lambda host, body, job: host.hypervisor.remove_disk(body["server_id"], body["disk"], job),
        ),
        does(SERVER_SNAPSHOT, disks.snapshot),
        does(SERVER_DESCRIBE, servers.describe),
        does(VOLUME_ENSURE, volumes.ensure),
        does(VOLUME_REMOVE, volumes.remove),
        does(VOLUME_RESIZE, volumes.resize),
        does(SNAPSHOT_RESTORE, volumes.restore_snapshot),
        does(VOLUME_SEND, volumes.send),
        does(EXPORT_ENSURE, volumes.ensure_export),
        does(EXPORT_REMOVE, volumes.remove_export),
        does(SNAPSHOT_ENSURE, volumes.ensure_snapshot),
        does(SNAPSHOT_REMOVE, volumes.remove_snapshot),
        does(HOST_READ, hosts.read),
        does(HOST_RECOGNISE, lambda host, body, job: host.recognise(body["cloud"])),
        does(NETWORK_APPLY, lambda host, body, job: host.network.apply(body)),
        does(PORT_PROBE, lambda host, body, job: host.network.probe(body)),
        does(SETASIDE_PUT, setaside.put),
        does(SETASIDE_LIST, setaside.listing),
        does(SETASIDE_BACK, setaside.back),
        does(SETASIDE_DROP, lambda host, body, job: host.aside.drop(str(body["id"]))),
    )
)
