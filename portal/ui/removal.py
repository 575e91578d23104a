"""Deleting one thing or many: each by its own verb, with what went wrong for each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.errors import CloudError
from portal.ui import Text
from portal.ui.calls import Call, Declared, Words
from portal.ui.dialogs import ConfirmPage, Results
from portal.ui.pages import shown_at

#: What came of a removal: how many of several; of a single one its name, or None where no toast says it.
Done = int | str | None
DELETED = gettext_lazy("deleted")


def results(ids: Iterable[str], do: Callable[[str], object]) -> dict[str, str]:
    """Runs `do` for every id, each in its own transaction; id → what went wrong, "" where nothing did."""
    found = dict.fromkeys(ids, "")
    for id in found:
        try:
            do(id)
        except CloudError as error:
            found[id] = error.message
    return found


def each(request: HttpRequest, ids: Iterable[str], do: Callable[[str], object]) -> list[str]:
    """Run `do` for every id as `results` does. Returns those that went well; each other one gets its own message."""
    found = results(ids, do)
    for sentence in filter(None, found.values()):
        messages.error(request, sentence)
    return [id for id, sentence in found.items() if not sentence]


@dataclass(frozen=True, kw_only=True)
class Removal(Declared):
    """The dialog that deletes one (`id` in the address) or many in bulk (?ids=) by `remove`; `route` is their list.

    `one` and `bulk` are the button's texts for one and for many. `about` is what a line says beside a name, `holds` what goes with the only
    one. `is_typed`: one is confirmed by typing its name, since what it holds has no copy; many by typing their number.
    """

    route: str
    one: Text
    bulk: Text
    text: Words = ""
    about: Callable[[Any], Text] = lambda row: ""
    fixed: Mapping[str, str] = field(default_factory=dict)  # what else the list's address has
    everywhere: str = (
        ""  # the list of every project's, for operators: where it leads when one was deleted there, or one of others'
    )
    holds: Callable[[list[Any]], list[tuple[str, Text]]] = lambda rows: []
    is_typed: bool = False
    gone: Text = DELETED  # what is said of each that went, where others stay
    remove: Callable[[Call, str], object] | None = None
    view: ClassVar = ConfirmPage

    def title(self, call: Call) -> str:
        if len(call.rows) == 1:
            return _("Delete %(name)s?") % {"name": call.name}
        return ngettext("Delete %(count)s?", "Delete these %(count)s?", len(call.rows)) % {"count": len(call.rows)}

    def submit(self, call: Call) -> Text:
        return self.one if self.key in call.keys else self.bulk

    def keep(self, call: Call) -> Text:
        return _("Keep it") if self.key in call.keys else _("Keep them")

    def lines(self, call: Call) -> list[tuple[str, Text]]:
        if len(call.rows) == 1:
            return self.holds(call.rows)
        return [(self.name(row), self.about(row)) for row in call.rows]

    def typed(self, call: Call) -> str:
        if len(call.ids) > 1:
            return str(len(call.ids))
        return call.name if self.is_typed else ""

    def do(self, call: Call) -> Results | Done:
        """Delete all of `ids`; return what came of each where one could not be deleted."""
        if self.everywhere and len(call.ids) == 1:
            assert call.rows  # read while it is there, for `next`
        if len(call.ids) == 1:
            self.delete(call, call.ids[0])
            return None
        names = dict(zip(call.ids, [self.name(row) for row in call.rows], strict=True)) if self.find else {}
        found = results(call.ids, lambda id: self.delete_other(call, id))
        done = list(found.values()).count("")
        if done == len(found):
            return done
        lines = [(names.get(id, id), sentence) for id, sentence in found.items()]
        return Results(self.tally(done, len(found)), lines, self.gone)

    def tally(self, done: int, count: int) -> str:
        return _("%(done)s of %(all)s deleted") % {"done": done, "all": count}

    def delete(self, call: Call, id: str) -> None:
        assert self.remove is not None
        self.remove(call, id)

    def delete_other(self, call: Call, id: str) -> None:
        """Delete one of many."""
        self.delete(call, id)

    def next(self, call: Call, done: Done) -> str:
        if self.everywhere and call.actor.is_admin:
            home, asked = reverse(self.everywhere), shown_at(call.request)
            of_others = not isinstance(done, int) and call.row.project_id != call.actor.project_id
            if of_others or urlsplit(asked).path == home:
                return home
        keys = {name: value for name, value in call.keys.items() if name != self.key}
        return reverse(self.route, kwargs={**keys, **self.fixed})

    def said(self, done: Done) -> str:
        if not isinstance(done, int):
            return ""
        return ngettext("%(count)s deleted", "%(count)s deleted", done) % {"count": done}
