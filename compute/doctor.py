"""Rows against reality: servers, disks, taps, namespaces, claims. Says what differs; `apply` puts right what can be."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from common import troubles
from common.ids import is_id
from common.stores import is_whole
from compute.servers.lifecycle import orphans, reconcile, states, steps
from compute.servers.models import Server
from hostagent.contract.network import dhcp_namespace, router_namespace, tap_name
from hosts import debts
from hosts.models import Host, HostDebt
from hosts.states import USABLE
from images import stores
from images.images.models import Image
from images.images.states import HAS_DATA
from networking.desired import sync
from networking.networks.models import Network
from networking.ports.models import Port
from networking.routers.models import Router
from operations.models import LIVE, Operation, State
from placement import services as placement

PATIENCE = 20.0  # seconds that a host has to answer


@dataclass
class Finding:
    """One difference. `mended`: whether `apply` did something about it."""

    host: str
    kind: str
    id: str
    text: str
    mended: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(*, apply: bool) -> list[Finding]:
    """Ask every host that is up, compare, and with `apply` mend."""
    answers = ask_hosts()
    found: list[Finding] = []
    for host in Host.objects.order_by("name"):
        answer = answers.get(host.name)
        if answer is None:
            seen = host.last_seen_at.isoformat(timespec="seconds") if host.last_seen_at else "–"
            said = _(
                "The host did not answer (%(state)s, last heard %(seen)s): see docs/operations/runbooks/host-silent.md."
            )
            found.append(Finding(host.name, "host", host.name, said % {"state": host.state, "seen": seen}))
            continue
        mend = apply and not host.estranged
        found += _servers(host.name, answer, mend) + _strangers(host.name, answer, mend) + _disks(host.name, answer)
        found += _aside(host.name, answer) + _network(host.name, answer, mend)
    return found + _questions() + _debts(apply) + _claims(apply) + _lost(apply) + _images() + _others()


def strange_things() -> list[Finding]:
    """What nobody knows, what is set aside, and what an operator is asked about it."""
    found = []
    for host, answer in sorted(ask_hosts().items()):
        found += _strangers(host, answer, apply=False) + _aside(host, answer)
    return found + _questions()


def ask_hosts() -> dict[str, dict[str, Any]]:
    """{host: its answer to host.read} of those that answered in time. Needs a running control process."""
    with transaction.atomic():
        asked = {
            name: reconcile.look(name, mend=False, reason="doctor").id
            for name in Host.objects.filter(state__in=USABLE).values_list("name", flat=True)
        }
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and Operation.objects.filter(id__in=asked.values(), state__in=LIVE).exists():
        time.sleep(0.2)
    out = {}
    for name, id in asked.items():
        row = Operation.objects.get(id=id)
        if row.state == State.DONE:
            out[name] = row.steps.filter(name="read").values_list("answer", flat=True).first() or {}
    return out


def _servers(host: str, answer: dict[str, Any], apply: bool) -> list[Finding]:
    reported: dict[str, str] = answer.get("servers", {})
    out = []
    for server in Server.objects.living().filter(host=host, task_state=None):
        wanted = states.DOMAIN_WANTED.get(server.vm_state)
        state = reported.get(server.id, "absent")
        if wanted is None or state == wanted:
            continue
        out.append(
            Finding(host, "server", server.id, _("It should be %(a)s and is %(b)s.") % {"a": wanted, "b": state})
        )
    if apply and out:
        with transaction.atomic():
            kept = set(reconcile.keep_running(host, reported))
        for finding in out:
            reconcile.settle_reported(host, finding.id, reported.get(finding.id, "absent"))
            finding.mended = finding.id in kept or finding.id in reported
    return out


def _strangers(host: str, answer: dict[str, Any], apply: bool) -> list[Finding]:
    """What nobody knows there. `apply` has it set aside, where it is not too much for that."""
    everything = orphans.said_of(answer)
    strange = orphans.unknown(host, everything)
    aside = orphans.put_aside(host, everything) if apply and strange else []
    domains = answer.get("servers", {})
    return [
        Finding(host, "domain", id, _("No row places this domain here."), id in aside)
        if id in domains
        else Finding(host, "disk", id, _("No row places this disk here."), id in aside)
        for id in strange
    ]


def _disks(host: str, answer: dict[str, Any]) -> list[Finding]:
    disks = [id for id in answer.get("disks", ()) if is_id(id)]
    resting = Server.objects.living().filter(host=host, task_state=None).exclude(vm_state=states.ERROR)
    missing = resting.exclude(id__in=disks).values_list("id", flat=True)
    return [Finding(host, "disk", id, _("The disk of this instance is missing.")) for id in missing]


def _aside(host: str, answer: dict[str, Any]) -> list[Finding]:
    """What was set aside: for an operator to adopt or to drop; the host drops it by itself after two weeks."""
    out = []
    for note in answer.get("setaside", ()):
        until = datetime.fromtimestamp(note["until"], UTC).isoformat(timespec="seconds")
        verbs = "adopt|drop" if note["kind"] == "server" else "drop"  # networks are sent anew where they are wanted
        text = _(
            "Set aside (%(kind)s %(key)s: %(why)s), kept until %(until)s: `manage.py setaside %(verbs)s %(host)s %(id)s`."
        )
        said = {**note, "until": until, "host": host, "verbs": verbs}
        out.append(Finding(host, "setaside", note["id"], text % said, mended=True))
    return out


def _questions() -> list[Finding]:
    """What only an operator can decide."""
    asked = Host.objects.filter(Q(estranged=True) | Q(question__isnull=False)).order_by("name")
    return [Finding(host.name, "question", host.name, question_of(host)) for host in asked]


def question_of(host: Host) -> str:
    """What an operator is asked about a host, and how to answer; "" when nothing."""
    if host.estranged:
        text = _(
            "This host has served a newer database than this one, or another one: nothing is changed there. Put the newer"
            " database back; or go on with this one: `manage.py setaside adopt %(host)s` brings back what only the host"
            " knows, `manage.py setaside allow %(host)s` has it set aside."
        )
    elif host.question:
        text = _(
            "%(count)s instances here are in no row, too many to touch unasked. `manage.py setaside adopt %(host)s` brings"
            " them back into the database, `manage.py setaside allow %(host)s` has them set aside."
        )
    else:
        return ""
    return text % {"host": host.name, "count": len((host.question or {}).get("servers", ()))}


def _images() -> list[Finding]:
    """Images that are offered and whose bytes are not in the store: what a restore by reference leaves."""
    store, rows = stores.default(), Image.objects.filter(status__in=HAS_DATA).order_by("name", "id")
    text = _(
        "The bytes of image %(name)s are not in the store; nothing can be launched from it. Put them back (%(path)s, %(size)s"
        " bytes) or delete it. Of demo and demo-alt `make run` makes new ones once they are deleted."
    )
    return [
        Finding(
            "", "image", row.id, text % {"name": row.name or row.id, "path": stores.place_of(row.id), "size": row.size}
        )
        for row in rows
        if not is_whole(store, row.id, row.size)
    ]


def _others() -> list[Finding]:
    """What other apps find wrong (common.troubles)."""
    return [Finding("", found.kind, found.id, found.text) for found in troubles.found()]


def _network(host: str, answer: dict[str, Any], apply: bool) -> list[Finding]:
    taps = {tap_name(id) for id in Port.objects.filter(host=host).values_list("id", flat=True)}
    extra = [(name, "tap") for name in answer.get("taps", ()) if name.startswith("tap") and name not in taps]
    known = {router_namespace(id) for id in Router.objects.values_list("id", flat=True)}
    known |= {dhcp_namespace(id) for id in Network.objects.values_list("id", flat=True)}
    names = [name for name in answer.get("namespaces", ()) if name.startswith(("qrouter-", "qdhcp-"))]
    extra += [(name, "namespace") for name in names if name not in known]
    if apply and extra:
        with transaction.atomic():
            sync.send_everything(host)
    return [Finding(host, kind, name, _("No row wants this here."), apply) for name, kind in extra]


def _debts(apply: bool) -> list[Finding]:
    """What hosts still have to be asked. It is worked off by itself; `apply` asks at once."""
    rows = list(HostDebt.objects.order_by("host", "id"))
    if apply:
        for host in sorted({row.host for row in rows}):
            with transaction.atomic():
                debts.work_off(host)
    return [Finding(row.host, "debt", row.key, debts.sentence_of(row), apply) for row in rows]


def _claims(apply: bool) -> list[Finding]:
    """Claims of servers that are gone, and servers on a host without one."""
    held = placement.consumers()
    living = dict(Server.objects.living().exclude(host="").values_list("id", "host"))
    resized = Server.objects.living().filter(before_resize__isnull=False).values_list("id", flat=True)
    busy = set(Operation.objects.filter(subject_kind="server", state__in=LIVE).values_list("subject_id", flat=True))
    fine = {*living, *busy, *(steps.old_claim(id) for id in {*resized, *busy})}
    out = []
    for consumer, hosts in held.items():
        if consumer not in fine:
            if apply:
                placement.release(consumer)
            out.append(
                Finding(", ".join(sorted(hosts)), "claim", consumer, _("Nobody holds this claim any more."), apply)
            )
    for id, host in living.items():
        if id not in held and id not in busy:
            out.append(Finding(host, "claim", id, _("This instance is on a host without a claim.")))
    return out


def _lost(apply: bool) -> list[Finding]:
    busy = set(Operation.objects.filter(subject_kind="server", state__in=LIVE).values_list("subject_id", flat=True))
    rows = Server.objects.living().exclude(task_state=None).exclude(id__in=busy)
    out = [
        Finding(s.host, "server", s.id, _("It waits for %s, which nothing does.") % s.task_state, apply) for s in rows
    ]
    if apply and out:
        reconcile.recover()
    return out
