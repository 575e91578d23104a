"""The doctor: what differs between rows and hosts, what operators are asked, and all other troubles. `apply` puts right what can be.

Hosts are compared through the registry in reconciliation.py; what no host reports comes from common/troubles.py.
"""

import time
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from common import troubles
from hostagent.contract.host import HostFound
from hosts import debts, reconciliation
from hosts.models import Host, HostDebt
from hosts.reconciliation import Finding
from hosts.states import USABLE
from operations.models import LIVE, Operation, State

PATIENCE: Final = 20.0  # seconds that a host has to answer


def examine(*, apply: bool) -> list[Finding]:
    """Ask every host that is up, compare, and with `apply` mend."""
    answers = ask_hosts()
    findings: list[Finding] = []
    for host in Host.objects.order_by("name"):
        if host.name in answers:
            findings += _compared(host, answers[host.name], apply and not host.estranged)
            findings += _set_aside(host.name, answers[host.name])
        else:
            findings.append(_silent(host))
    return findings + _questions() + _debts(apply) + _troubles(apply)


def orphans_and_leftovers() -> list[Finding]:
    """List what no row knows, what is set aside, and what an operator is asked about it."""
    findings = []
    for host, found in sorted(ask_hosts().items()):
        ids = reconciliation.orphans(host, found)
        findings += [finding for finding in reconciliation.differences(host, found) if finding.id in ids]
        findings += _set_aside(host, found)
    return findings + _questions()


def ask_hosts() -> dict[str, HostFound]:
    """{host: its answer to host.read} of those that answered in time. Needs a running control process."""
    with transaction.atomic():
        inspections = {
            name: reconciliation.inspect(name, reconcile=False, reason="doctor").id
            for name in Host.objects.filter(state__in=USABLE).values_list("name", flat=True)
        }
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and Operation.objects.filter(id__in=inspections.values(), state__in=LIVE).exists():
        time.sleep(0.2)
    done = {row.id: row for row in Operation.objects.filter(id__in=inspections.values(), state=State.DONE)}
    return {name: reconciliation.found_by(done[id]) for name, id in inspections.items() if id in done}


def _silent(host: Host) -> Finding:
    seen = host.last_seen_at.isoformat(timespec="seconds") if host.last_seen_at else "–"
    said = _("The host did not answer (%(state)s, last heard %(seen)s): see docs/operations/runbooks/host-silent.md.")
    return Finding(host.name, "host", host.name, said % {"state": host.state, "seen": seen})


def _compared(host: Host, found: HostFound, apply: bool) -> list[Finding]:
    """List what differs on a host; `apply` has it put right."""
    findings = reconciliation.differences(host.name, found)
    if apply and findings:
        with transaction.atomic():
            done = reconciliation.reconcile_all(host.name, found)
        mended = {id for ids in done.values() for id in ids}
        for finding in findings:
            finding.mended = finding.id in mended
    return findings


def _set_aside(host: str, found: HostFound) -> list[Finding]:
    """List what was set aside, for an operator to adopt or to drop; the host drops it by itself after two weeks."""
    out = []
    for note in found["setaside"]:
        until = datetime.fromtimestamp(note["until"], UTC).isoformat(timespec="seconds")
        verbs = "adopt|drop" if note["kind"] == "server" else "drop"  # networks are sent anew where they are wanted
        text = _(
            "Set aside (%(kind)s %(key)s: %(why)s), kept until %(until)s: `manage.py setaside %(verbs)s %(host)s %(id)s`."
        )
        said = {**note, "until": until, "host": host, "verbs": verbs}
        out.append(Finding(host, "setaside", note["id"], text % said, mended=True))
    return out


def _questions() -> list[Finding]:
    """List what only an operator can decide."""
    questioned = Host.objects.filter(Q(estranged=True) | Q(question__isnull=False)).order_by("name")
    return [Finding(host.name, "question", host.name, question_of(host)) for host in questioned]


def question_of(host: Host) -> str:
    """Say what an operator is asked about a host, and how to answer; "" when nothing."""
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


def _debts(apply: bool) -> list[Finding]:
    """List what hosts still have to be asked. It is worked off by itself; `apply` asks at once."""
    rows = list(HostDebt.objects.order_by("host", "id"))
    if apply:
        for host in sorted({row.host for row in rows}):
            with transaction.atomic():
                debts.work_off(host)
    return [Finding(row.host, "debt", row.key, debts.sentence_of(row), apply) for row in rows]


def _troubles(apply: bool) -> list[Finding]:
    """List what is wrong and no host reports (common/troubles.py)."""
    out = []
    for trouble in list(troubles.found()):
        mended = apply and trouble.mend is not None
        if mended and trouble.mend:
            trouble.mend()
        out.append(Finding(trouble.host, trouble.kind, trouble.id, trouble.text, mended))
    return out
