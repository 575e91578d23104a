"""Deleting and switching things of identity, one or many: each by its own verb, with what went wrong for each."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.actor import Actor
from common.errors import CloudError, Conflict
from identity.crud import Kind
from portal.ui import Text
from portal.ui.dialogs import Confirm
from portal.ui.pages import Page

#: Rows of one request.
MOST = 200


class OwnGround(Conflict):
    template = gettext_lazy("%(name)s is you, or where you are now, and stays.")


def not_own(actor: Actor, row: Any) -> None:
    """Nobody takes the ground from under the own feet by ticking every box. Raises: OwnGround."""
    here = {actor.user_id, actor.project_id, actor.domain_id, actor.user_domain_id, actor.project_domain_id}
    if row.pk in here:
        raise OwnGround(name=getattr(row, "name", row.pk))


def each(ids: Iterable[str], do: Callable[[str], Any]) -> tuple[int, list[str]]:
    """Runs `do` for every id, each in its own transaction; how many went well, and a sentence for each other one."""
    done, wrong = 0, []
    for id in list(dict.fromkeys(ids))[:MOST]:
        try:
            do(id)
            done += 1
        except CloudError as error:
            wrong.append(error.message)
    return done, wrong


class Deleting(Confirm):
    """One (`id` in the address) or several (?ids=). `kind` deletes, `route` is the list."""

    kind: ClassVar[Kind]
    route: ClassVar[str]
    submit, keep = gettext_lazy("Delete"), gettext_lazy("Keep")
    typed: ClassVar[bool] = False  # one has to be typed by its name: what it holds has no copy
    _found: list[Any] | None = None  # of this request

    def ids(self, **keys: str) -> list[str]:
        if "id" in keys:
            return [keys["id"]]
        return [id for id in self.request.GET.get("ids", "").split(",") if id][:MOST]

    def found(self, **keys: str) -> list[Any]:
        """Raises: Forbidden, Missing."""
        if self._found is None:
            self._found = [self.kind.allow(self.actor, "delete", id) for id in self.ids(**keys)]
        return self._found

    def name_of(self, row: Any) -> str:
        return str(getattr(row, "name", "") or row.pk)

    def heading(self, **keys: str) -> Text:
        rows = self.found(**keys)
        if len(rows) == 1:
            return _("Delete %(name)s?") % {"name": self.name_of(rows[0])}
        return ngettext("Delete %(count)s?", "Delete these %(count)s?", len(rows)) % {"count": len(rows)}

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        rows = self.found(**keys)
        return [(self.name_of(row), self.about(row)) for row in rows] if len(rows) > 1 else self.holds(rows)

    def about(self, row: Any) -> Text:
        return ""

    def holds(self, rows: list[Any]) -> list[tuple[str, Text]]:
        """What goes with the only row."""
        return []

    def must_type(self, **keys: str) -> str:
        ids = self.ids(**keys)
        if len(ids) > 1:
            return str(len(ids))
        return self.name_of(self.found(**keys)[0]) if self.typed and ids else ""

    def remove(self, actor: Actor, id: str) -> None:
        self.kind.delete(actor, id)

    def remove_other(self, actor: Actor, id: str) -> None:
        not_own(actor, self.kind.find(id))
        self.remove(actor, id)

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        ids = self.ids(**keys)
        if len(ids) == 1:
            self.remove(actor, ids[0])
            return self.after(**keys), ""
        done, wrong = each(ids, lambda id: self.remove_other(actor, id))
        for sentence in wrong:
            messages.error(self.request, sentence)
        return self.after(**keys), ngettext("%(count)s deleted", "%(count)s deleted", done) % {"count": done}

    def after(self, **keys: str) -> str:
        return reverse(self.route)


class Switch(Page):
    """POST: one (`id` in the address) to its other state, or all `ids` to `to` (enable or disable)."""

    kind: ClassVar[Kind]
    route: ClassVar[str]

    def post(self, request: HttpRequest, id: str = "", to: str = "") -> HttpResponse:
        if id:
            row = self.kind.get(self.actor, id)
            self.kind.update(self.actor, id, {"enabled": not row.enabled})
            here = request.headers.get("HX-Current-URL", "").partition(request.get_host())[2]
            return self.go(here if here.startswith("/") else reverse(self.route))
        wanted = {"enabled": to == "enable"}
        done, wrong = each(request.POST.getlist("ids"), lambda one: self.change(one, wanted))
        for sentence in wrong:
            messages.error(request, sentence)
        word = _("%(count)s enabled") if wanted["enabled"] else _("%(count)s disabled")
        return self.go(reverse(self.route), word % {"count": done})

    def change(self, id: str, wanted: dict[str, bool]) -> None:
        if not wanted["enabled"]:
            not_own(self.actor, self.kind.find(id))
        self.kind.update(self.actor, id, wanted)
