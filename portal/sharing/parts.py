"""Parts of sharing in other panels: the verb, the card on the object's page, the mark in a row."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from authorization.share_levels import highest
from portal.ui import Text
from portal.ui.details import Card
from portal.ui.menus import Action, gate
from portal.ui.tables import Cell, Column, Row
from sharing import access, received, services, shareable

#: Kind → level → what it is called and what it opens.
LEVELS: dict[str, dict[str, tuple[Text, Text]]] = {
    "server": {
        "view": (gettext_lazy("View"), gettext_lazy("see it and its activity")),
        "console": (gettext_lazy("Console"), gettext_lazy("also its console and log")),
        "operate": (gettext_lazy("Operate"), gettext_lazy("also start, stop, reboot, pause and suspend it")),
        "full": (
            gettext_lazy("Full"),
            gettext_lazy("also change, rebuild, resize and delete it, and share it further"),
        ),
    },
    "image": {
        "view": (gettext_lazy("View"), gettext_lazy("see it, download it and launch from it")),
        "operate": (gettext_lazy("Operate"), gettext_lazy("also keep it from being read, and allow that again")),
        "full": (gettext_lazy("Full"), gettext_lazy("also change and delete it, and share it further")),
    },
    "network": {
        "view": (gettext_lazy("View"), gettext_lazy("see it and its subnets")),
        "operate": (gettext_lazy("Operate"), gettext_lazy("also put own ports and instances on it")),
        "full": (gettext_lazy("Full"), gettext_lazy("also change and delete it, and share it further")),
    },
}


def word(kind: str, level: str) -> Text:
    """Name a level of sharing."""
    return LEVELS[kind][level][0]


def share_action(actor: RequestContext, kind: str, row: Any) -> Action:
    why = gate(actor, shareable.find(kind).share, row)
    return Action("share", _("Share…"), "user-plus", reverse("share", args=[kind, row.pk]), "wide", why)


def who_card(actor: RequestContext, kind: str, row: Any) -> Card:
    """Build the card of all who can see the object; for a grantee outside its project, of the actor's own access."""
    about = shareable.find(kind)
    if not policy.allows(actor, about.see, row):
        return _mine(actor, kind, row)
    found = access.who(actor, kind, str(row.pk))
    rows = [_row(one, kind) for one in found.seers]
    rows += [
        Row(f"everyone-{at}", text, "", None, (Cell("text", ""), Cell("text", "")))
        for at, text in enumerate(found.everyone)
    ]
    columns = (Column(_("Name")), Column(_("Why")), Column(_("Until"), hide="m"))
    share = share_action(actor, kind, row)
    action = Action("share-here", share.label, share.icon, share.url, share.how, share.why)
    return Card(_("Who can see this"), columns=columns, rows=rows, action=action, name="who-can-see")


def _row(seer: access.Seer, kind: str) -> Row:
    ends = [why.expires_at for why in seer.reasons if why.kind == "share"]
    until = Cell("when", ends[0]) if ends and ends[0] else Cell("muted", _("no end") if ends else "")
    why = Cell("text", "; ".join(_sentence(reason, kind) for reason in seer.reasons))
    name = seer.name if seer.subject == "user" else _("%(name)s (group)") % {"name": seer.name}
    return Row(f"{seer.subject}-{seer.id}", name, "", None, (why, until))


def _sentence(why: access.Reason, kind: str) -> str:
    if why.kind != "share":
        return why.sentence
    return _("Shared by %(who)s: %(level)s") % {"who": why.given_by, "level": word(kind, why.level)}


def _mine(actor: RequestContext, kind: str, row: Any) -> Card:
    shares = received.on(actor, kind, str(row.pk))
    level = highest(one.level for one in shares)
    if level is None:
        return Card(
            _("Who can see this"), pairs=((_("Why"), Cell("text", _("It is open to your project."))),), side=True
        )
    name, opens = LEVELS[kind][level]
    best = received.best(actor, kind, str(row.pk), level)
    until = Cell("when", best.expires_at) if best and best.expires_at else Cell("muted", _("no end"))
    mine = shared_with(actor, kind, str(row.pk))
    given = [access.giver(one) for one in mine]
    pairs = (
        (_("Level"), Cell("text", name, note=opens)),
        (_("Until"), until),
        (_("Shared by"), Cell("text", ", ".join(dict.fromkeys(given)))),
    )
    up = Action("give-up", _("Give it up…"), "user-minus", reverse("share-give-up", args=[kind, row.pk]))
    why = "" if own_share(mine) else _("It is shared with a group. Leave the group, or ask who shared it.")
    action = replace(up, why=why)
    return Card(_("Shared with you"), pairs=pairs, action=action, side=True, name="shared-with-you")


def shared_with(actor: RequestContext, kind: str, object_id: str) -> list[services.Found]:
    """List the shares of one object that the actor has, by themselves or through groups."""
    return [one for one in services.with_me(actor) if (one.kind.name, one.row.object_pk) == (kind, object_id)]


def own_share(shares: Iterable[services.Found]) -> services.Found | None:
    """Return the one that is the actor's own, which they can give up; a group's is not theirs alone."""
    return next((one for one in shares if one.subject == "user"), None)


def is_foreign(actor: RequestContext, project_id: str | None) -> bool:
    """Whether a row of a list is there because it was shared."""
    return not actor.is_admin and project_id != actor.project_id
