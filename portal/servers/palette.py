"""What the palette finds of instances: by name, id or address; verbs for those that it names; launching."""

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.models import Server
from networking.securitygroups.models import SecurityGroup
from portal.servers import listing, reach, verbs
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
#: Verbs that are offered for an instance that was found.
WANTED = ("stop", "start", "reboot", "snapshot", "resize")
LAUNCH = (gettext_lazy("Launch instance"), "launch")


OPEN = gettext_lazy("Open port")


def search(actor: RequestContext, text: str) -> Found:
    """Find the project's instances; the first few without a text. Launching is last, unless the text begins with it."""
    query = listing.visible(actor)
    ids = _first(query, text)
    own = [
        Hit(
            row["name"], reverse("instance", args=[row["id"]]), "server-2",
            (row["floating"] or row["fixed"] or [""])[0], row["st"], id=row["id"],
        )
        for row in listing.rows(query.filter(pk__in=ids).order_by("name"))
    ]  # fmt: skip
    near = Server.objects.filter(pk__in=ids[:2]).order_by("name") if text else ()
    name = next((rest for word in LAUNCH if (rest := begins(word, text)) is not None), None) if text else None
    return Found(
        meant=[*_meant(actor, text), *([_launch(name)] if name is not None else [])] if text else [],
        own=own,
        deeds=[deed for server in near for deed in _deeds(server)],
        last=[_launch(text)] if name is None else [],
    )


def _first(query: QuerySet[Server], text: str, most: int = MOST) -> list[str]:
    """List the ids of the first few by name. Ids alone, for an index has all that is asked: rows with their user data are long."""
    found = (listing.search(query, text) if text else query).order_by("name", "id")
    return list(found.values_list("pk", flat=True)[:most])


def elsewhere(actor: RequestContext, text: str) -> Found:
    """Instances of other projects, for operators."""
    if not text:
        return Found()
    query = listing.visible(actor, everywhere=True).exclude(project_id=actor.project_id or "")
    rows = listing.rows(query.filter(pk__in=_first(query, text)).order_by("name"))
    own = [
        Hit(row["name"], reverse("instance", args=[row["id"]]), "stack-2", row["host"], row["st"], id=row["id"])
        for row in rows
    ]
    return Found(own=own)


def _meant(actor: RequestContext, text: str) -> list[Hit]:
    """Verbs with which the text begins, for the instances that the rest of it names."""
    found: list[Hit] = []
    named = listing.visible(actor)
    for verb in TYPED:
        rest = begins(verbs.FACES[verb][0], text)
        if rest is not None:
            near = named.filter(pk__in=_first(named, rest, 5 * MOST), task_state=None).order_by("name")
            found += [_verb(server, verb) for server in near if verbs.can_follow(server, verb)][:MOST]
    rest = begins(OPEN, text)
    if rest is not None:
        found += [
            hit for server in named.filter(pk__in=_first(named, rest)).order_by("name") for hit in _openers(server)
        ]
    return found


def _openers(server: Server) -> list[Hit]:
    """Opening port 22 for one's own address at once, and the rules in which any other is opened."""
    group = SecurityGroup.objects.filter(ports__server_id=server.id).order_by("is_default", "name").first()
    if group is None:
        return []
    names = {"name": server.name}
    ssh, rules = reverse("instance-open-ssh", args=[server.id, reach.ME]), reverse("security-group", args=[group.pk])
    return [
        Hit(
            _("Open port 22 of %(name)s for my address") % names,
            ssh,
            "lock-open",
            post=True,
            action="open-ssh",
            id=server.id,
        ),
        Hit(_("Open a port of %(name)s") % names, rules, "lock-open", group.name, action="open-port", id=server.id),
    ]


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
    found += [_verb(server, verb) for verb in WANTED if verbs.can_follow(server, verb)]
    found += _openers(server)[1:]
    url = reverse("instance-delete", args=[server.id])
    return [*found, Hit(_("Delete %(name)s…") % {"name": server.name}, url, "trash", dialog=True, action="delete")]


def _launch(name: str) -> Hit:
    label = _("Launch an instance named “%(name)s”") % {"name": name} if name else _("Launch an instance")
    return Hit(label, reverse("launch") + (f"?{urlencode({'name': name})}" if name else ""), "rocket", action="launch")
