"""The verbs of what nobody knows: stopped and kept, described, given back, dropped."""

from typing import Any

from hostagent.contract import Failure, Note
from hostagent.host import Host
from hostagent.job import Job

SHORT = ("id", "kind", "key", "why", "at", "until", "state")


def put(host: Host, job: Job) -> dict[str, Any]:
    """The domain is stopped as a user would stop it, its description noted, and only then does anything move."""
    server_id = job.body["server_id"]
    if not host.aside.is_begun(server_id):
        described = host.hypervisor.describe(server_id)
        if described["state"] == "absent" and server_id not in host.storage.read_disks():
            return {}
        note, place = host.aside.begin("server", server_id, str(job.body["why"]), **described)
    else:
        note, place = host.aside.begin("server", server_id, "")
    host.hypervisor.put_aside(server_id, place, job)
    host.storage.put_aside(server_id, place)
    return dict(host.aside.finish(note, place))


def listing(host: Host, job: Job) -> dict[str, Any]:
    return {"items": host.aside.items()}


def short(host: Host) -> list[dict[str, Any]]:
    """What a doctor shows of each."""
    return [{name: value for name, value in note.items() if name in SHORT} for note in host.aside.items()]


def back(host: Host, job: Job) -> dict[str, Any]:
    """Raises: Failure not_found; hypervisor_refused where the server has a disk here by now."""
    place = host.aside.place(job.body["id"])
    note: Note = next(one for one in host.aside.items() if one["id"] == job.body["id"])
    if note["kind"] != "server":  # a piece of a network is sent anew where it is wanted
        raise Failure("not_found", what="set-aside server", id=note["id"])
    host.storage.take_back(note["key"], place)
    if note["xml"]:
        host.hypervisor.define(note["key"], note["xml"], job)
    host.aside.drop(note["id"])
    return dict(note)


def drop(host: Host, job: Job) -> dict[str, Any]:
    host.aside.drop(str(job.body["id"]))
    return {}


def describe(host: Host, job: Job) -> dict[str, Any]:
    return {"servers": {id: host.hypervisor.describe(id) for id in map(str, job.body["server_ids"])}}


def recognise(host: Host, job: Job) -> dict[str, Any]:
    host.recognise(job.body["cloud"])
    return {}
