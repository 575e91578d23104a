"""Forms and confirmations, declared: in a dialog when a script asks, as a page of their own otherwise."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from common.errors import CloudError
from portal.middleware import SECRET
from portal.ui import Text
from portal.ui.calls import Call, Declared, DeclaredPage, Next, Said, Words, carry_out, name_of, stay, told, worded
from portal.ui.pages import is_fragment, status_of

KEEP_IT, DELETE_IT = gettext_lazy("Keep it"), gettext_lazy("Delete %(name)s?")

# ── A form with one verb ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shown:
    """The answer of a form's verb that does not go on: a fragment that is shown once, such as a secret of the row `made`.

    The dialog with it is closed by the fragment's own buttons alone (static/js/guard.js).
    """

    template: str
    title: str
    context: Mapping[str, Any]
    made: Any = None


#: ?pick: the dialog's answer tells what was made, and the page puts it into the select that the dialog's link names.
PICK = "pick"


def from_address(call: Call) -> dict[str, Any]:
    """Begin a form with what the address says: ?name=…"""
    return {name: call.request.GET[name] for name in _form(call).base_fields if name in call.request.GET}


def from_row(call: Call) -> dict[str, Any]:
    """Begin a form with what the row has."""
    return {name: getattr(call.row, name) for name in _form(call).base_fields}


def _form(call: Call) -> type[forms.Form]:
    form: type[forms.Form] = cast(FormDialog, call.about).form
    return form


class FormPage(DeclaredPage):
    about: "FormDialog"

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        call = self.called(keys)
        return self.show(call, self.about.filled(call))

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        call = self.called(keys)
        form = self.about.filled(call, request.POST, request.FILES)
        if not form.is_valid():
            return self.show(call, form, 422)
        try:
            made = carry_out(call, lambda: self.about.do(call, form.cleaned_data), form)
        except CloudError as error:
            self.about.blame(form, error)
            return self.show(call, form, max(422, status_of(error)) if is_fragment(request) else status_of(error))
        return self.answer_with(made) if isinstance(made, Shown) else self.go_on(call, made)

    def go_on(self, call: Call, made: Any) -> HttpResponse:
        said = told(self.about.said, made)
        if self.picks:
            return self.picked(self.done(said), made)
        url = self.onward(call, made)
        return self.go(url, said) if url else self.done(said)

    @property
    def picks(self) -> bool:
        """Whether the page that opened the dialog takes what it makes."""
        return is_fragment(self.request) and PICK in self.request.GET

    def picked(self, response: HttpResponse, made: Any) -> HttpResponse:
        """Add to the answer what a select takes: the row's value there and its name."""
        said = json.loads(response.get("HX-Trigger", "{}"))
        response["HX-Trigger"] = json.dumps(said | {"made": {"value": self.about.value(made), "text": name_of(made)}})
        return response

    def answer_with(self, shown: Shown) -> HttpResponse:
        if is_fragment(self.request):
            response = self.fragment("ui/shown_once.html", piece=shown.template, picks=self.picks, **shown.context)
            response = self.picked(response, shown.made) if self.picks else response
        else:
            response = self.fragment(shown.template, title=shown.title, **shown.context)
        response["Cache-Control"] = SECRET
        return response

    def show(self, call: Call, form: forms.Form, status: int = 200) -> HttpResponse:
        about = self.about
        context = {"form": form, "title": worded(about.title, call), "action": self.request.get_full_path()}
        context |= {name: getattr(about, name) for name in ("submit", "hint", "risk", "two")}
        context |= about.context(call)
        if is_fragment(self.request):
            return self.fragment(about.dialog, status, **context)
        return self.page(about.page, status, **context)


@dataclass(frozen=True, kw_only=True)
class FormDialog(Declared):
    """One form with one verb: `do(call, values)` is one service call."""

    title: Words
    submit: Text
    form: type[forms.Form]
    do: Callable[[Call, dict[str, Any]], Any]
    initial: Callable[[Call], dict[str, Any]] = from_address
    #: Field → its choices for this actor.
    choices: Mapping[str, Callable[[Call], Iterable[tuple[Any, Text]]]] = field(default_factory=dict)
    prepare: Callable[[Call, Any], None] = lambda call, form: None  # what else the form needs
    #: At which field an error of the service stands; others stand above all fields.
    places: Sequence[tuple[type[CloudError], str]] = ()
    next: Next = stay
    value: Callable[[Any], str] = lambda made: str(made.pk)  # of what was made, in a select
    said: Said = ""
    hint: Text = ""
    risk: bool = False
    two: bool = False  # fields in two columns, for a wide dialog
    dialog: str = "ui/form_dialog.html"
    page: str = "ui/form_page.html"
    context: Callable[[Call], dict[str, Any]] = lambda call: {}  # what else the templates show
    view: ClassVar = FormPage

    def filled(self, call: Call, data: Any = None, files: Any = None) -> Any:
        """Return the form: as it begins, or with what was sent."""
        form = self.form(data, files, initial=self.initial(call) if data is None else None)
        for name, choices in self.choices.items():
            form.fields[name].choices = choices(call)  # type: ignore[attr-defined]
        self.prepare(call, form)
        return form

    def blame(self, form: forms.Form, error: CloudError) -> None:
        """Put a service's error to the field that it is about."""
        place = next((name for kind, name in self.places if isinstance(error, kind) and name in form.fields), None)
        form.add_error(place, error.message)
        if place is not None:
            for one in form.fields.values():
                one.widget.attrs.pop("autofocus", None)
            form.fields[place].widget.attrs["aria-invalid"] = "true"


# ── A question ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Results:
    """The answer of a verb for several things of which some refused: (name, why not, "" where it was done) of each."""

    title: str
    lines: Sequence[tuple[str, Text]]
    done: Text  # what is said of those


class ConfirmPage(DeclaredPage):
    about: "Confirm"

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        return self.show(self.called(keys))

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        call = self.called(keys)
        typed = self.about.typed(call)
        if typed and request.POST.get("typed", "").strip() != typed:
            return self.show(call, wrong=True, status=422)
        try:
            made = carry_out(call, lambda: self.about.do(call))
        except CloudError as error:
            return self.show(call, error=error.message, status=422)
        if isinstance(made, Results):
            return self.list_results(made, self.onward(call, 0))
        url, said = self.onward(call, made), told(self.about.said, made)
        return self.go(url, said) if url else self.done(said)

    def list_results(self, results: Results, home: str) -> HttpResponse:
        """Answer with what came of each; on to `home` from there."""
        context = {"title": results.title, "lines": results.lines, "done": results.done, "home": home}
        return self.fragment("ui/results.html", **context)

    def show(self, call: Call, error: str = "", wrong: bool = False, status: int = 200) -> HttpResponse:
        about = self.about
        context: dict[str, object] = {
            name: worded(getattr(about, name), call) for name in ("title", "text", "submit", "keep")
        }
        context |= {"names": about.lines(call), "typed": about.typed(call), "error": error, "wrong": wrong}
        context["action"] = self.request.get_full_path()
        if is_fragment(self.request):
            return self.fragment("ui/confirm_dialog.html", status, **context)
        return self.page("ui/confirm_page.html", status, **context)


@dataclass(frozen=True, kw_only=True)
class Confirm(Declared):
    """Says what goes and what stays, then does it. `lines` are (name, what happens with it)."""

    title: Words
    submit: Words
    do: Callable[[Call], Any]
    text: Words = ""
    keep: Words = KEEP_IT
    lines: Callable[[Call], list[tuple[str, Text]]] = lambda call: []
    typed: Callable[[Call], str] = lambda call: ""  # what has to be typed before the button works; "" for nothing
    next: Next = stay
    said: Said = ""
    view: ClassVar = ConfirmPage


@dataclass(frozen=True, kw_only=True)
class Delete(Confirm):
    """Asks before a thing goes: it is named in the title."""

    title: Words = DELETE_IT


def choices(rows: Any, *, empty: Text | None = None) -> list[tuple[str, Text]]:
    """(id, name) pairs for a select; a nameless thing shows its id."""
    found: list[tuple[str, Text]] = [("", empty)] if empty is not None else []
    found.extend((row.pk, getattr(row, "name", "") or row.pk) for row in rows)
    return found
