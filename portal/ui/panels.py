"""The panels of the dashboard. Each package of the portal declares its own in `panel.py`, and nothing else lists them.

The menu, the addresses, the numbers in the rail, the search palette, timelines and quotas read what is declared here.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.urls import URLPattern, reverse

from authorization import policy
from authorization.context import RequestContext
from common.prepared import PreparedCount
from portal.ui import Text
from portal.ui.hits import Found

#: Stands between a list's address and its own verbs and tabs where people choose the ids: one may be called `create`.
APART = "/-"


@dataclass(frozen=True)
class Subject:
    """A kind of thing that operations are about: where its page is, what it is called, and words for its verbs.

    `names` gives (name, whether it is gone) of ids, in one query. `verbs`: action → (in progress, done, failed).
    """

    kind: str
    route: str
    names: Callable[[set[str]], Mapping[str, tuple[str, bool]]] = lambda ids: {}
    verbs: Mapping[str, tuple[Text, Text, Text]] = field(default_factory=dict)


def names_of(model: Any) -> Callable[[set[str]], dict[str, tuple[str, bool]]]:
    """Build the `names` of a Subject whose rows go when they are deleted."""
    return lambda ids: {
        id: (name or id[:13], False) for id, name in model.objects.filter(pk__in=ids).values_list("pk", "name")
    }


@dataclass(frozen=True)
class Limit:
    """One limit. `is_mib`: it is told as a size. `on_overview`: a bar of the project's overview."""

    name: str
    label: Text
    is_mib: bool = False
    on_overview: bool = False


@dataclass(frozen=True)
class Quotas:
    """A service's limits: their heading, the rules by which they are read and set, and their order among services.

    `untold` are names of limits that count what another service's limits count, and are not shown.
    """

    service: str
    title: Text
    place: int
    read: str
    write: str
    limits: Sequence[Limit] = ()
    untold: Sequence[str] = ()


def of_project(model: type[Model]) -> Callable[[RequestContext], int]:
    """Count the rows of the session's project: for the number beside a panel."""
    count = PreparedCount(lambda project: model._default_manager.filter(project_id=project))
    return lambda actor: count(actor.project_id or "")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: its entry in the rail and what else it brings.

    `place` orders the menu, and the panels of one `group` stand together. `rule` is who sees it; without one everyone does who
    is in a project, or in none where `without_project` is set. `count` is the number beside it, or a text and whether it is bad news.
    `recorded`: type of a target in audit records → what people call it.
    """

    name: str
    label: Text
    icon: str
    place: int
    group: Text = ""
    route: str = ""  # the URL name of its page; its own name unless said
    rule: str | None = None
    without_project: bool = False
    key: str = ""  # g, then this
    urls: Sequence[URLPattern] = ()
    count: Callable[[RequestContext], int | tuple[Text, bool]] | None = None
    search: Callable[[RequestContext, str], Found] | None = None
    subjects: Sequence[Subject] = ()
    quotas: Sequence[Quotas] = ()
    recorded: Mapping[str, Text] = field(default_factory=dict)

    def visible_to(self, actor: RequestContext) -> bool:
        if self.rule is None:
            return bool(actor.project_id) or self.without_project
        return policy.allows(actor, self.rule, _own(actor))

    def require(self, actor: RequestContext) -> None:
        """Refuse whom its rule does not let see it. Raises: Forbidden."""
        if self.rule is not None:
            policy.require(actor, self.rule, _own(actor))

    @property
    def url(self) -> str:
        return reverse(self.route or self.name)


def _own(actor: RequestContext) -> dict[str, str]:
    """The target of a list, for policy: the session's own domain when it is in one."""
    if not actor.domain_id:
        return {"project_id": actor.project_id} if actor.project_id else {}
    names = ("target.domain_id", "target.domain.id", "target.group.domain_id", "domain_id")
    return dict.fromkeys(names, actor.domain_id)


@cache
def panels() -> tuple[Panel, ...]:
    """List every panel, in the order of the menu. Found when the URLs are read, for it imports every view.

    Raises: ImproperlyConfigured where two have one name or one place.
    """
    found: list[Panel] = []
    for package in pkgutil.iter_modules([str(Path(__file__).parents[1])]):
        module = f"portal.{package.name}.panel"
        if package.ispkg and find_spec(module) is not None:
            found += import_module(module).PANELS
    for what in ("name", "place"):
        seen = [getattr(panel, what) for panel in found]
        twice = [f"{panel.name} ({value})" for panel, value in zip(found, seen, strict=True) if seen.count(value) > 1]
        if twice:
            taken = ", ".join(map(str, sorted(seen)))
            raise ImproperlyConfigured(
                f"Panels have one {what}: {', '.join(twice)}. Choose another; taken are {taken}."
            )
    return tuple(sorted(found, key=lambda panel: panel.place))


def named(name: str) -> Panel | None:
    """Return the panel of this name; None for what has no entry in the rail."""
    return next((panel for panel in panels() if panel.name == name), None)


def subject(kind: str) -> Subject | None:
    """Find a panel's declaration of a kind of thing that operations are about."""
    return next((one for panel in panels() for one in panel.subjects if one.kind == kind), None)
