"""What a host owes, what is set aside there and what an operator is asked: cards of its page."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from common.errors import sentence
from compute import doctor
from compute.servers.lifecycle import reconcile
from hosts.models import Host, HostDebt
from operations.models import Operation, State
from portal.ui.details import Card
from portal.ui.tables import Cell, Column, Row, age

MOST = 50  # rows of a card; the commands list all


def cards(host: Host) -> list[Card]:
    """Those that have something to say."""
    return [card for card in (_question(host), _debts(host), _aside(host)) if card is not None]


def _question(host: Host) -> Card | None:
    text = doctor.question_of(host)
    return (
        Card(_("A question for an operator"), pairs=[(_("To decide"), Cell("text", text))], name="question")
        if text
        else None
    )


def _debts(host: Host) -> Card | None:
    found = list(HostDebt.objects.filter(host=host.name)[:MOST])
    if not found:
        return None
    columns = (
        Column(_("What")),
        Column(_("Of what")),
        Column(_("Since"), "n"),
        Column(_("Tries"), "n"),
        Column(_("Why not yet"), hide="m"),
    )
    rows = [
        Row(
            str(debt.pk), debt.kind, "", None,
            (Cell("mono", debt.key), age(debt.since), Cell("num", debt.tries),
             Cell("text", sentence(debt.error_code, debt.error_data) if debt.error_code else "")),
        )
        for debt in found
    ]  # fmt: skip
    return Card(_("Still to be done here"), columns=columns, rows=rows, name="debts")


def _aside(host: Host) -> Card | None:
    """As the host said when it was last looked at."""
    notes: list[dict[str, Any]] = _last_answer(host).get("setaside", [])
    if not notes:
        return None
    columns = (Column(_("Set aside")), Column(_("Kind")), Column(_("Why")), Column(_("Kept until"), "n"))
    rows = [
        Row(
            note["id"], note["id"], "", None,
            (Cell("text", note["kind"]), Cell("text", note["why"]), Cell("when", datetime.fromtimestamp(note["until"], UTC))),
        )
        for note in notes[:MOST]
    ]  # fmt: skip
    return Card(_("Set aside"), columns=columns, rows=rows, name="setaside")


def _last_answer(host: Host) -> dict[str, Any]:
    looks = Operation.objects.filter(flow=reconcile.LOOK.name, subject_kind="host", subject_id=host.name)
    last = looks.filter(state=State.DONE).order_by("-created_at").first()
    answer = last.steps.filter(name="read").values_list("answer", flat=True).first() if last else None
    return answer or {}
