"""Cards of a host's page: its debts, what is set aside there, and the questions put to an operator."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from common.errors import sentence
from hosts import doctor, reconciliation
from hosts.models import Host, HostDebt
from portal.ui.details import Card
from portal.ui.tables import Cell, Column, Row, age

MOST = 50  # rows of a card; the commands list all


def cards(host: Host) -> list[Card]:
    """Build a host's cards; one without content is left out."""
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
    """Build the card of what is set aside, as of the host's last inspection; None without any."""
    found = reconciliation.last_found(host.name)
    if found is None or not found["setaside"]:
        return None
    columns = (Column(_("Set aside")), Column(_("Kind")), Column(_("Why")), Column(_("Kept until"), "n"))
    rows = [
        Row(
            note["id"], note["id"], "", None,
            (Cell("text", note["kind"]), Cell("text", note["why"]), Cell("when", datetime.fromtimestamp(note["until"], UTC))),
        )
        for note in found["setaside"][:MOST]
    ]  # fmt: skip
    return Card(_("Set aside"), columns=columns, rows=rows, name="setaside")
