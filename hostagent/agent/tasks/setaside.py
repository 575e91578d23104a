"""The verbs of what nobody knows: stopped and kept, given back."""

from hostagent.agent.job import Job
from hostagent.agent.tasks.served import Served
from hostagent.contract import states
from hostagent.contract.failures import Failure
from hostagent.contract.host import SetAsideShort
from hostagent.contract.setaside import Back, Note, Notes, Put
from hostagent.contract.verb import Nothing


def put(host: Served, body: Put, job: Job) -> Note | None:
    """Stop the domain as a user would, note its description, and only then move anything."""
    server_id = body["server_id"]
    if not host.aside.is_begun(server_id):
        described = host.hypervisor.describe(server_id)
        if states.is_absent(described["state"]) and server_id not in host.storage.read_disks():
            return None
        note, place = host.aside.begin("server", server_id, str(body["why"]), **described)
    else:
        note, place = host.aside.begin("server", server_id, "")
    host.hypervisor.put_aside(server_id, place, job)
    host.storage.put_aside(server_id, place)
    host.files.put_aside(server_id, place)
    return host.aside.finish(note, place)


def listing(host: Served, body: Nothing, job: Job) -> Notes:
    return {"items": host.aside.items()}


def short(host: Served) -> list[SetAsideShort]:
    """List a short note of each thing that was set aside, for a doctor's list."""
    return [
        SetAsideShort(
            id=note["id"], kind=note["kind"], key=note["key"], why=note["why"], at=note["at"], until=note["until"],
            state=note["state"],
        )
        for note in host.aside.items()
    ]  # fmt: skip


def back(host: Served, body: Back, job: Job) -> Note:
    """Raises: Failure not_found; hypervisor_refused where the server has a disk here by now."""
    place = host.aside.place(body["id"])
    note = next(one for one in host.aside.items() if one["id"] == body["id"])
    if note["kind"] != "server":  # a piece of a network is sent anew where it is wanted
        raise Failure("not_found", what="set-aside server", id=note["id"])
    host.storage.take_back(note["key"], place)
    host.files.take_back(note["key"], place)
    if note["xml"]:
        host.hypervisor.define(note["key"], note["xml"], job)
    host.aside.drop(note["id"])
    return note
