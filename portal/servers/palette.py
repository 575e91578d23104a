"""What the palette finds of instances: by name, id or address; verbs for those that it names; launching."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.models import Server
from portal.servers import listing, verbs
from portal.ui.hits import MOST, Found, Hit, begins

#: Verbs that can be typed, before the name of an instance or alone.
TYPED = (
    "start",
    "stop",
    "reboot",
    "snapshot",
    "resize",
    "rebuild",
    "pause",
    "unpause",
    "suspend",
    "resume",
    "shelve",
    "unshelve",
    "delete",
)
LAUNCH = (gettext_lazy("Launch instance"), "launch")


def search(actor: RequestContext, text: str) -> Found:
    """Find the project's instances; the first few without a text."""
    query = listing.visible(actor)
    found = listing.rows((listing.search(query, text) if text else query).order_by("name")[:MOST])
    own = [
        Hit(
            row["name"], reverse("instance", args=[row["id"]]), "server-2",
            (row["floating"] or row["fixed"] or [""])[0], row["st"], id=row["id"],
        )
        for row in found
    ]  # fmt: skip
    near = query.filter(pk__in=[hit.id for hit in own[:2]]).order_by("name") if text else ()
    name = next((rest for word in LAUNCH if (rest := begins(word, text)) is not None), None) if text else None
    launch = [] if text and name is None else [_launch(name or "")]
    return Found(
        meant=[*_meant(actor, text), *launch] if text else [],
        own=own,
        deeds=[*(deed for server in near for deed in _deeds(server)), *([] if text else launch)],
    )


def elsewhere(actor: RequestContext, text: str) -> Found:
    """Instances of other projects, for operators."""
    if not text:
        return Found()
    query = listing.visible(actor, everywhere=True).exclude(project_id=actor.project_id or "")
    rows = listing.rows(listing.search(query, text).order_by("name")[:MOST])
    own = [
        Hit(row["name"], reverse("instance", args=[row["id"]]), "stack-2", row["host"], row["st"], id=row["id"])
        for row in rows
    ]
    return Found(own=own)


def _meant(actor: RequestContext, text: str) -> list[Hit]:
    """Verbs with which the text begins, for the instances that the rest of it names."""
    found: list[Hit] = []
    for verb in TYPED:
        rest = begins(verbs.FACES[verb][0], text)
        if rest is None:
            continue
        query = listing.visible(actor).filter(task_state=None)
        rows = listing.search(query, rest) if rest else query
        fit = [server for server in rows.order_by("name")[: 5 * MOST] if verbs.can_follow(server, verb)]
        found += [_verb(server, verb) for server in fit[:MOST]]
    return found


def _verb(server: Server, verb: str) -> Hit:
    label, icon = verbs.FACES[verb]
    asks = verb in verbs.DIALOGS
    url = reverse(f"instance-{verb}", args=[server.id]) if asks else reverse("instance-do", args=[server.id, verb])
    return Hit(f"{label} {server.name}", url, icon, dialog=asks, post=not asks, action=verb, id=server.id)


def _deeds(server: Server) -> list[Hit]:
    """Verbs that people often want of an instance that they found."""
    found = []
    if server.runs:
        url = reverse("instance-tab", args=[server.id, "console"])
        label = _("Open console of %(name)s") % {"name": server.name}
        found.append(Hit(label, url, "device-desktop", action="console"))
    found += [_verb(server, verb) for verb in ("stop", "start", "reboot", "snapshot") if verbs.can_follow(server, verb)]
    url = reverse("instance-delete", args=[server.id])
    return [*found, Hit(_("Delete %(name)s…") % {"name": server.name}, url, "trash", dialog=True, action="delete")]


def _launch(name: str) -> Hit:
    label = _("Launch an instance named “%(name)s”") % {"name": name} if name else _("Launch an instance")
    return Hit(label, reverse("launch") + (f"?{urlencode({'name': name})}" if name else ""), "rocket", action="launch")
