"""Saved views of lists: a name and the query of a list's address, kept with the user. A view is shared by its address."""

from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Invalid, OverLimit
from portal import prefs
from portal.session.steps import inside
from portal.ui import panels
from portal.ui.pages import Page

#: Views of one list, letters of a name and of a query.
MOST, NAME, QUERY = 20, 60, 1000


class TooManyViews(OverLimit):
    template = gettext_lazy("A list keeps %(most)s views. Delete one first.")


def cleaned(query: str) -> str:
    """Return a list's query without what is no part of a view: its page, a file's format."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name not in ("page", "format", "rows")])


class Views(Page):
    """POST /views: keep the view `query` of the list `of` as `name`, or forget the one named `forget`."""

    def post(self, request: HttpRequest) -> HttpResponse:
        panel, forget = request.POST.get("of", "")[:64], request.POST.get("forget", "")
        if panels.named(panel) is None:
            raise Invalid(reason=_("There is no such list."))

        def changed(views: dict[str, list[tuple[str, str]]] | None) -> dict[str, list[tuple[str, str]]]:
            kept = [(name, query) for name, query in (views or {}).get(panel, ()) if name != forget]
            return {**(views or {}), panel: kept if forget else self.added(kept)}

        response = self.go(inside(request, request.POST.get("next", "")))
        prefs.remember(request, response, views=changed)
        return response

    def added(self, kept: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Add the view that was sent, in place of one of its name. Raises: Invalid, TooManyViews."""
        name, query = " ".join(self.request.POST.get("name", "").split()), cleaned(self.request.POST.get("query", ""))
        if not 0 < len(name) <= NAME:
            raise Invalid(reason=_("A view has a name of at most %(most)s letters.") % {"most": NAME})
        if len(query) > QUERY:
            raise Invalid(reason=_("What this list is filtered by is too long to be kept."))
        kept = [view for view in kept if view[0] != name] + [(name, query)]
        if len(kept) > MOST:
            raise TooManyViews(most=MOST)
        return sorted(kept)
