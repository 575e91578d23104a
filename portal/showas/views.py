"""What an action is in other forms: for the dialog in which one types, and in a dialog of its own for buttons and lists."""

from django.http import Http404, HttpRequest, HttpResponse

from portal.showas import asking, registry, scripts
from portal.ui.pages import Page


class ShowAs(Page):
    """?of= is the address of an action or list, with its query; more than one are offered to choose from.

    GET: a dialog about the one that ?chosen= numbers. POST, with what is typed in the form at that address: its forms alone.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        of = [url for url in request.GET.getlist("of")[:50] if asking.entry_of(url)]
        if not of:
            raise Http404(request.get_full_path())
        at = request.GET.get("chosen", "0")
        chosen = of[int(at)] if at.isdecimal() and int(at) < len(of) else of[0]
        labels = request.GET.getlist("label")
        choices = [(number, label, of[number] == chosen) for number, label in enumerate(labels[: len(of)])]
        return self.fragment("showas/dialog.html", forms=self.forms(chosen), choices=choices)

    def post(self, request: HttpRequest) -> HttpResponse:
        url = request.GET.get("of", "")
        if asking.entry_of(url) is None:
            raise Http404(url)
        return self.fragment("showas/forms.html", forms=self.forms(url))

    def forms(self, url: str) -> list[scripts.Form]:
        return scripts.forms(asking.asked(self.request, self.actor, url), registry.cloud_of(self.request))
