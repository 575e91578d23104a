"""Forms and confirmations: in a dialog when a script asks, as a page of their own otherwise."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse

from common.actor import Actor
from common.errors import CloudError
from portal.ui import Text
from portal.ui.pages import Page, is_fragment, status_of


class FormDialog(Page):
    """One form with one verb. `act` calls one service and answers where to go (or "" to stay) and what to say."""

    title: ClassVar[Text] = ""
    submit: ClassVar[Text] = ""
    hint: ClassVar[Text] = ""
    form_class: ClassVar[type[forms.Form]]
    risk: ClassVar[bool] = False
    two: ClassVar[bool] = False  # fields in two columns, for a wide dialog
    #: At which field an error of the service stands; others stand above all fields.
    places: ClassVar[Sequence[tuple[type[CloudError], str]]] = ()

    def heading(self, **keys: str) -> Text:
        return self.title

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        return self.form_class(data, files, initial=self.initial(**keys) if data is None else None)

    def initial(self, **keys: str) -> dict[str, Any]:
        return {name: self.request.GET[name] for name in self.form_class.base_fields if name in self.request.GET}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        raise NotImplementedError

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        return self.show(self.form(**keys), **keys)

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        form = self.form(request.POST, request.FILES, **keys)
        if not form.is_valid():
            return self.show(form, status=422, **keys)
        try:
            url, said = self.act(self.actor, form.cleaned_data, **keys)
        except CloudError as error:
            self.blame(form, error)
            return self.show(
                form, status=max(422, status_of(error)) if is_fragment(request) else status_of(error), **keys
            )
        return self.go(url, said) if url else self.done(said)

    def blame(self, form: forms.Form, error: CloudError) -> None:
        """Put a service's error to the field that it is about."""
        place = next((name for kind, name in self.places if isinstance(error, kind) and name in form.fields), None)
        form.add_error(place, error.message)
        if place is not None:
            for field in form.fields.values():
                field.widget.attrs.pop("autofocus", None)
            form.fields[place].widget.attrs["aria-invalid"] = "true"

    def show(self, form: forms.Form, status: int = 200, **keys: str) -> HttpResponse:
        context = {
            "form": form,
            "title": self.heading(**keys),
            "submit": self.submit,
            "hint": self.hint,
            "risk": self.risk,
            "two": self.two,
            "action": self.request.get_full_path(),
        }
        if is_fragment(self.request):
            return self.fragment("ui/form_dialog.html", status=status, **context)
        return self.page("ui/form_page.html", status=status, **context)


class Confirm(Page):
    """Says what goes and what stays, then does it. `names` are lines (name, what happens with it)."""

    submit: ClassVar[Text] = ""
    keep: ClassVar[Text] = ""

    def heading(self, **keys: str) -> Text:
        raise NotImplementedError

    def text(self, **keys: str) -> Text:
        return ""

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        return []

    def must_type(self, **keys: str) -> str:
        """What has to be typed before the button works; "" for nothing."""
        return ""

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        raise NotImplementedError

    def get(self, request: HttpRequest, **keys: str) -> HttpResponse:
        return self.show(**keys)

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        typed = self.must_type(**keys)
        if typed and request.POST.get("typed", "").strip() != typed:
            return self.show(wrong=True, status=422, **keys)
        try:
            url, said = self.act(self.actor, **keys)
        except CloudError as error:
            return self.show(error=error.message, status=422, **keys)
        return self.go(url, said) if url else self.done(said)

    def show(self, error: str = "", wrong: bool = False, status: int = 200, **keys: str) -> HttpResponse:
        context = {
            "title": self.heading(**keys),
            "text": self.text(**keys),
            "names": self.names(**keys),
            "typed": self.must_type(**keys),
            "submit": self.submit,
            "keep": self.keep,
            "error": error,
            "wrong": wrong,
            "action": self.request.get_full_path(),
        }
        if is_fragment(self.request):
            return self.fragment("ui/confirm_dialog.html", status=status, **context)
        return self.page("ui/confirm_page.html", status=status, **context)


def choices(rows: Any, *, empty: Text | None = None) -> list[tuple[str, Text]]:
    """(id, name) pairs for a select; a nameless thing shows its id."""
    found: list[tuple[str, Text]] = [("", empty)] if empty is not None else []
    found.extend((row.pk, getattr(row, "name", "") or row.pk) for row in rows)
    return found
