"""The verbs of a server's domain that are more than one call of the driver."""

from hostagent.agent.job import Job
from hostagent.agent.tasks.served import Served
from hostagent.contract.server import DomainState, ServerDisk, ServersAsked, ServersKnown, ServerSpec


def ensure(host: Served, body: ServerSpec, job: Job) -> DomainState:
    host.files.keep_record(body["server_id"], body.get("metadata") or {})
    return {"state": host.hypervisor.ensure(body, job)}


def attach_disk(host: Served, body: ServerDisk, job: Job) -> None:
    host.hypervisor.ensure_disk(body["server_id"], body["disk"], body.get("secrets") or {}, job)


def describe(host: Served, body: ServersAsked, job: Job) -> ServersKnown:
    return {"servers": {id: host.hypervisor.describe(id) for id in map(str, body["server_ids"])}}
