"""Servers that only their host knows come back into the database: what `manage.py setaside adopt` does.

The host says what it has (a domain, its disks) and what control last said of it (record.py). Ports come back under their
own ids, MACs and addresses, so that a guest that runs does not notice. What the record does not hold, nobody invents.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import CloudError, Conflict
from compute.servers.create import networks
from compute.servers.lifecycle import host_needs, interfaces, orphans, record, states
from compute.servers.models import Server
from hostagent.contract.host import HOST_READ
from hostagent.contract.server import SERVER_DESCRIBE, ServersAsked
from hostagent.contract.setaside import SETASIDE_BACK, Back
from hostagent.contract.verb import Nothing
from hosts import epoch, services
from hosts.models import Host
from hosts.reconciliation import found_by
from identity.models import Project
from networking.networks.models import Network
from networking.ports import devices
from networking.ports import services as ports
from networking.ports.models import Port
from networking.securitygroups.models import SecurityGroup
from operations import Flow, Step, Wait
from operations.op import Op
from placement import services as placement

#: State of a domain as the host reports it → vm_state of the adopted server.
RESTS = {**states.AFTER_BY_ITSELF, "absent": states.STOPPED}


class NothingKnown(Conflict):
    template = _("Host %(host)s has no record of %(id)s: it stays where it is. Its disks are in the host's folder.")


class NoProject(Conflict):
    template = _(
        "%(id)s belonged to project %(project)s, which is not in this database. Name another one with --project."
    )


# ── One server ──────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def take_over(host: Host, server_id: str, known: dict[str, Any], *, project: str = "") -> tuple[Server, list[str]]:
    """Make the row of a server from what its host knows. Returns it, and sentences of what could not come back.

    Raises: NothingKnown, NoProject.
    """
    said = known.get("record") or {}
    if not said.get("flavor"):
        raise NothingKnown(host=host.name, id=server_id)
    owner = project or str(said["project_id"])
    if not Project.objects.plain().filter(pk=owner).exists():
        raise NoProject(id=server_id, project=owner)
    columns = {name: said[name] for name in record.COLUMNS if name in said}
    rests = RESTS[known["state"]]
    before = Server.objects.filter(id=server_id).values_list("generation", flat=True).first() or 0
    columns |= {"project_id": owner, "host": host.name, "created_at": datetime.fromisoformat(said["created_at"])}
    columns |= {"vm_state": rests, "power_state": states.POWER_OF_VM_STATE[rests], "deleted": False, "task_state": None}
    columns |= {"generation": before + 1, "launched_at": columns["created_at"], "terminated_at": None}
    server, _made = Server.objects.update_or_create(id=server_id, defaults=columns)
    missing = [why for port in said.get("ports", ()) if (why := _plug(server, port))]
    try:
        placement.claim(server_id, owner, host_needs.needs_of(server), [host.name], user_id=server.user_id)
    except CloudError as error:
        missing.append(error.message)
    server.change(vm_state=rests)  # says that it is there
    return server, missing


def _plug(server: Server, said: dict[str, Any]) -> str:
    """Give an adopted server its port back, created anew if it is gone. Returns a sentence why it could not, or ""."""
    actor = RequestContext.internal("adoption", project_id=server.project_id)
    port = Port.objects.filter(pk=said["id"]).first()
    if port is not None and port.server_id != server.id and devices.is_taken(port) and port.device_id != server.id:
        return gettext("Port %(id)s belongs to something else by now.") % {"id": port.pk}
    try:
        with transaction.atomic():
            if port is None:
                if not Network.objects.filter(pk=said["network_id"]).exists():
                    return gettext("Network %(id)s is not in this database.") % {"id": said["network_id"]}
                groups = SecurityGroup.objects.filter(pk__in=said["groups"], project_id=server.project_id)
                port = ports.create(
                    actor,
                    id=said["id"],
                    network_id=said["network_id"],
                    project_id=server.project_id,
                    name=said["name"],
                    mac=said["mac"],
                    fixed_ips=[{"ip_address": ip} for ip in said["ips"]],
                    security_groups=list(groups.values_list("id", flat=True)) or None,
                )
            interfaces.plug(actor, server, networks.Nic(port_id=port.pk), None)
            ports.bind(port.pk, server.host)
    except CloudError as error:
        text = gettext(
            "Port %(id)s with %(ips)s could not come back: %(why)s The guest has no such interface now;"
            " `openstack server add network` gives it one."
        )
        return text % {"id": said["id"], "ips": ", ".join(said["ips"]), "why": error.message}
    return ""


# ── A host ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(op: Op) -> Wait | None:
    return op.cast(op.subject_id, HOST_READ, Nothing()) if op.answer is None else None


def describe(op: Op) -> Wait | None:
    """Ask the host to describe what no row knows, or have it give back what was set aside."""
    if op.answer is not None:
        return None
    if op.data["item"]:
        body = Back(id=op.data["item"], server_id=op.data["server_id"])
        return op.cast(op.subject_id, SETASIDE_BACK, body, subject=f"server:{op.data['server_id']}")
    unknown = orphans.of(op.subject_id, found_by(op.row))
    return op.cast(op.subject_id, SERVER_DESCRIBE, ServersAsked(server_ids=unknown)) if unknown else None


def bring_back(op: Op) -> None:
    """Write rows for the described servers, accept the host into this database, and have it inspected."""
    host = Host.objects.select_for_update().get(name=op.subject_id)
    answer = op.row.steps.filter(name="describe").values_list("answer", flat=True).first() or {}
    found = (
        {op.data["server_id"]: {**answer, "state": states.DOMAIN_WANTED[states.STOPPED]}}
        if op.data["item"]
        else answer.get("servers", {})
    )
    adopted, left = [], {}
    for server_id, known in sorted(found.items()):
        try:
            server, missing = take_over(host, server_id, known, project=op.data["project"])
        except CloudError as error:
            left[server_id] = [error.message]
            continue
        adopted.append({"id": server.id, "name": server.name, "state": server.vm_state, "missing": missing})
    op.show(adopted=adopted, left=left)
    if op.data["item"]:
        return
    if host.estranged:
        epoch.accept(host)
    services.tell_hello(host)  # its networks are sent, what it has is looked at


ADOPT = Flow(
    "host.adopt",
    version=1,
    steps=(
        Step("read", do=read, deadline=60, label=_("Ask the host what it has")),
        Step("describe", do=describe, deadline=120, label=_("Ask the host what it knows of it")),
        Step("bring_back", do=bring_back, label=_("Bring it back into the database")),
    ),
    label=_("Adopt what a host has"),
)
