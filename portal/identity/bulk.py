"""Deleting and switching things of identity, one or many: each by its own verb, with what went wrong for each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization.context import RequestContext
from common.errors import CloudError, Conflict
from identity.resource import Resource
from portal.ui import Text
from portal.ui.calls import MOST, Call, Declared, Words
from portal.ui.dialogs import ConfirmPage
from portal.ui.pages import Page


class OwnGround(Conflict):
    template = gettext_lazy("%(name)s is you, or where you are now, and stays.")


def not_own(actor: RequestContext, row: Any) -> None:
    """Refuse to delete or disable what the actor's own session stands on: user, project, domains. Raises: OwnGround."""
    here = {actor.user_id, actor.project_id, actor.domain_id, actor.user_domain_id, actor.project_domain_id}
    if row.pk in here:
        raise OwnGround(name=getattr(row, "name", row.pk))


def each(ids: Iterable[str], do: Callable[[str], object]) -> tuple[int, list[str]]:
    """Runs `do` for every id, each in its own transaction; how many went well, and a sentence for each other one."""
    done, wrong = 0, []
    for id in list(dict.fromkeys(ids)):
        try:
            do(id)
            done += 1
        except CloudError as error:
            wrong.append(error.message)
    return done, wrong


@dataclass(frozen=True, kw_only=True)
class Deletion(Declared):
    """The dialog that deletes one (`id` in the address) or many in bulk (?ids=) of a kind; `route` is their list.

    `one` and `bulk` are the button's texts for one and for many. `about` is what a line says beside a name, `holds` what goes with the only
    one. `is_typed`: one is confirmed by typing its name, since what it holds has no copy; many by typing their number.
    """

    kind: Resource[Any]
    route: str
    one: Text
    bulk: Text
    text: Words = ""
    about: Callable[[Any], Text] = lambda row: ""
    holds: Callable[[list[Any]], list[tuple[str, Text]]] = lambda rows: []
    is_typed: bool = False
    remove: Callable[[Call, str], object] | None = None  # as the kind deletes, unless it says
    view: ClassVar = ConfirmPage

    def __post_init__(self) -> None:
        object.__setattr__(self, "find", lambda actor, id: self.kind.allow(actor, "delete", id))

    def title(self, call: Call) -> str:
        if len(call.rows) == 1:
            return _("Delete %(name)s?") % {"name": call.name}
        return ngettext("Delete %(count)s?", "Delete these %(count)s?", len(call.rows)) % {"count": len(call.rows)}

    def submit(self, call: Call) -> Text:
        return self.one if "id" in call.keys else self.bulk

    def keep(self, call: Call) -> Text:
        return _("Keep it") if "id" in call.keys else _("Keep them")

    def lines(self, call: Call) -> list[tuple[str, Text]]:
        if len(call.rows) == 1:
            return self.holds(call.rows)
        return [(self.name(row), self.about(row)) for row in call.rows]

    def typed(self, call: Call) -> str:
        if len(call.ids) > 1:
            return str(len(call.ids))
        return call.name if self.is_typed and call.ids else ""

    def do(self, call: Call) -> int | None:
        """Delete all of `ids`: the number deleted, None for a single one. Each that could not be deleted gets its own message."""
        if len(call.ids) == 1:
            self.delete(call, call.ids[0])
            return None
        done, wrong = each(call.ids, lambda id: self.delete_other(call, id))
        for sentence in wrong:
            messages.error(call.request, sentence)
        return done

    def delete(self, call: Call, id: str) -> None:
        if self.remove is not None:
            self.remove(call, id)
        else:
            self.kind.delete(call.actor, id)

    def delete_other(self, call: Call, id: str) -> None:
        not_own(call.actor, self.kind.find(id))
        self.delete(call, id)

    def next(self, call: Call, done: int | None) -> str:
        return reverse(self.route)

    def said(self, done: int | None) -> str:
        return "" if done is None else ngettext("%(count)s deleted", "%(count)s deleted", done) % {"count": done}


class Switch(Page):
    """POST: one (`id` in the address) to its other state, or all `ids` to `to` (enable or disable)."""

    kind: Resource[Any] = cast("Resource[Any]", None)  # as_view says it
    route = ""

    def post(self, request: HttpRequest, id: str = "", to: str = "") -> HttpResponse:
        if id:
            row = self.kind.get(self.actor, id)
            self.kind.update(self.actor, id, {"enabled": not row.enabled})
            here = request.headers.get("HX-Current-URL", "").partition(request.get_host())[2]
            return self.go(here if here.startswith("/") else reverse(self.route))
        wanted = {"enabled": to == "enable"}
        done, wrong = each(request.POST.getlist("ids")[:MOST], lambda one: self.change(one, wanted))
        for sentence in wrong:
            messages.error(request, sentence)
        word = _("%(count)s enabled") if wanted["enabled"] else _("%(count)s disabled")
        return self.go(reverse(self.route), word % {"count": done})

    def change(self, id: str, wanted: dict[str, bool]) -> None:
        if not wanted["enabled"]:
            not_own(self.actor, self.kind.find(id))
        self.kind.update(self.actor, id, wanted)
