"""Rail and bar: the menu of this person with its numbers, and where they can go."""

from collections.abc import Iterable
from itertools import groupby

from django.utils.safestring import SafeString

from authorization.context import RequestContext
from common.prepared import Prepared
from identity.assignments import effective
from identity.models import Domain, Region
from portal.ui import Text, kept
from portal.ui.panels import Panel, panels

Group = tuple[Text, list[Panel]]


def menu(actor: RequestContext) -> list[Group]:
    """List the groups and panels that this actor sees; a group without any is absent."""
    seen = [panel for panel in panels() if panel.visible_to(actor)]
    return [(label, list(group)) for label, group in groupby(seen, key=lambda panel: panel.group)]


def folded(menu: Iterable[Group], names: frozenset[str], panel: str) -> set[str]:
    """Say which groups of the menu are folded, by their first panels: of those chosen never the one with the page's own panel."""
    return {
        entries[0].name
        for _label, entries in menu
        if entries[0].name in names and panel not in {one.name for one in entries}
    }


def rail(actor: RequestContext, menu: list[Group], panel: str, names: frozenset[str]) -> SafeString:
    """Render the rail of the page of `panel`; the groups `names` are folded."""
    numbers, closed = counts(actor, menu), folded(menu, names, panel)
    shown = tuple((entry.name, *map(str, numbers.get(entry.name, ()))) for _label, entries in menu for entry in entries)
    context = {"menu": menu, "counts": numbers, "folded": closed, "panel": panel}
    return kept.part("ui/rail.html", (panel, shown, frozenset(closed)), context)


def landing(actor: RequestContext, address: str) -> str:
    """`address` unless it is a panel that this actor does not see: then the overview."""
    name = address.split("?")[0].strip("/").split("/")[0]
    hidden = {panel.url.strip("/") for panel in panels() if not panel.visible_to(actor)}
    return "/" if name in hidden else address


def counts(actor: RequestContext, seen: Iterable[Group]) -> dict[str, tuple[int | Text, bool]]:
    """Panel → (what stands beside it, whether it is bad news), of the panels that are seen; nothing for 0."""
    found: dict[str, tuple[int | Text, bool]] = {}
    for panel in (panel for _label, entries in seen for panel in entries if panel.count is not None):
        number = panel.count(actor)  # type: ignore[misc]
        if number:
            found[panel.name] = number if isinstance(number, tuple) else (number, False)
    return found


_regions = Prepared(lambda: Region.objects.order_by("id").values_list("id"))


def domains(actor: RequestContext) -> list[tuple[str, str]]:
    """(id, name) of the enabled domains on which the actor has a role: the switcher's."""
    ids = effective.domain_ids(actor.user_id)
    found = Domain.objects.filter(pk__in=ids, enabled=True).order_by("name") if ids else ()
    return [(row.pk, row.name) for row in found]


def regions() -> list[str]:
    """List the catalog's regions: the switcher's."""
    return [id for (id,) in _regions()]
