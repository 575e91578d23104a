"""The verbs of a server's domain."""

from typing import Any, cast

from hostagent.contract import ServerSpec
from hostagent.host import Host
from hostagent.job import Job


def ensure(host: Host, job: Job) -> dict[str, Any]:
    host.storage.keep_record(job.body["server_id"], job.body.get("metadata") or {})
    return {**host.hypervisor.ensure(cast(ServerSpec, job.body), job), "seconds": job.seconds}


def remove(host: Host, job: Job) -> dict[str, Any]:
    host.hypervisor.remove(job.body["server_id"], job)
    return {"state": "absent", "seconds": job.seconds}


def start(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "start")


def stop(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "stop", timeout=float(job.body["timeout"]))


def reboot(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "reboot", hard=bool(job.body["hard"]))


def pause(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "pause")


def unpause(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "unpause")


def suspend(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "suspend")


def resume(host: Host, job: Job) -> dict[str, Any]:
    return _power(host, job, "resume")


def _power(host: Host, job: Job, verb: str, **options: Any) -> dict[str, Any]:
    state = host.hypervisor.power(job.body["server_id"], verb, job, **options)
    return {"state": state, "seconds": job.seconds}


def attach_port(host: Host, job: Job) -> dict[str, Any]:
    host.hypervisor.ensure_port(job.body["server_id"], job.body["port"], job)
    return {"seconds": job.seconds}


def detach_port(host: Host, job: Job) -> dict[str, Any]:
    host.hypervisor.remove_port(job.body["server_id"], job.body["port"], job)
    return {"seconds": job.seconds}


def attach_disk(host: Host, job: Job) -> dict[str, Any]:
    host.hypervisor.ensure_disk(job.body["server_id"], job.body["disk"], job)
    return {"seconds": job.seconds}


def detach_disk(host: Host, job: Job) -> dict[str, Any]:
    host.hypervisor.remove_disk(job.body["server_id"], job.body["disk"], job)
    return {"seconds": job.seconds}


def read(host: Host, job: Job) -> dict[str, Any]:
    return {"state": host.hypervisor.read_states().get(job.body["server_id"], "absent")}
