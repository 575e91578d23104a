"""What an action is in other forms: for the dialog in which one types, and in a dialog of its own for buttons and lists."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from common.numbers import is_whole
from portal.showas import asking, recorder, registry, scripts
from portal.ui.pages import Page, shown_at


class ShowAs(Page):
    """?of= is the address of an action or list, with its query; more than one are offered to choose from.

    GET: a dialog about the one that ?chosen= numbers. POST, with what is typed in the form at that address: its forms alone.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        of = [url for url in request.GET.getlist("of")[:50] if asking.entry_of(url)]
        if not of:
            raise Http404(request.get_full_path())
        at = request.GET.get("chosen", "0")
        chosen = of[int(at)] if is_whole(at) and int(at) < len(of) else of[0]
        labels = request.GET.getlist("label")
        choices = [(number, label, of[number] == chosen) for number, label in enumerate(labels[: len(of)])]
        return self.fragment("showas/dialog.html", title=_("Show as"), forms=self.forms(chosen), choices=choices)

    def post(self, request: HttpRequest) -> HttpResponse:
        url = request.GET.get("of", "")
        if asking.entry_of(url) is None:
            raise Http404(url)
        return self.fragment("showas/forms.html", forms=self.forms(url))

    def forms(self, url: str) -> list[scripts.Form]:
        return scripts.forms(asking.asked(self.request, self.actor, url), registry.cloud_of(self.request))


class Recording(Page):
    """GET: the dialog of the recorder. POST with `do`: start | stop | forget."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = recorder.recording(request)
        pieces = [
            scripts.Form("bash", "Bash", recorder.script(request, recorder.BASH)),
            scripts.Form("python", "Python", recorder.script(request, recorder.PYTHON)),
        ]
        context = {"on": found["on"], "count": recorder.count(found["calls"]), "forms": pieces, "most": recorder.MOST}
        return self.fragment("showas/recording.html", title=_("Record as a script"), **context)

    def post(self, request: HttpRequest) -> HttpResponse:
        do = request.POST.get("do", "")
        if do == "forget":
            recorder.forget(request)
        elif do in ("start", "stop"):
            recorder.switch(request, do == "start")
        else:
            raise Http404(do)
        return self.go(shown_at(request) or reverse("overview"))


class Script(Page):
    """GET: what was recorded, as a file."""

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        if form not in (recorder.BASH, recorder.PYTHON):
            raise Http404(form)
        response = HttpResponse(recorder.script(request, form), content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="recording.{form}"'
        return response
