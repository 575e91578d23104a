"""Forms in the portal's look, forms in steps, and the fields that many of them share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.ui import Text
from portal.ui.widgets import Checklist

NAME_LIMIT = 255


class Styled(forms.Form):
    """A form whose widgets carry Tabler's classes and whose errors are tied to their fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for bound in self.fields.values():
            widget = bound.widget
            if isinstance(widget, forms.CheckboxSelectMultiple):
                widget.option_inherits_attrs = True
                css = "form-check-input"
            elif isinstance(widget, forms.CheckboxInput):
                css = "form-check-input"
            elif isinstance(widget, forms.Select):
                css = "form-select"
            else:
                css = "form-control"
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"
        for bound in self.fields.values() if self.errors else ():
            bound.widget.attrs.pop("autofocus", None)  # the first wrong field has the focus, not the first one


@dataclass
class Step:
    """One page of a form in steps. `wrong`: a field of it has an error."""

    name: str
    label: Text
    fields: list[Any]
    hint: Text = ""
    open: bool = False
    wrong: bool = False
    next: str = ""
    next_label: Text = ""


class Stepped(Styled):
    """A form shown a part at a time and sent at once. `parts`: (name, label, its fields); `numbered`: one leads to the next."""

    parts: Sequence[tuple[str, Text, Sequence[str]]] = ()
    numbered: ClassVar[bool] = True
    flat: ClassVar[bool] = False  # many short fields, side by side

    @property
    def steps(self) -> list[Step]:
        """The step with the first error is open, else the one that was, else the first."""
        found = [
            Step(name, label, [self[field] for field in names if field in self.fields])
            for name, label, names in self.parts
        ]
        found = [step for step in found if step.fields]
        for at, step in enumerate(found):
            step.wrong = any(field.errors for field in step.fields) if self.is_bound else False
            if at + 1 < len(found):
                step.next, step.next_label = found[at + 1].name, found[at + 1].label
        was = self.data.get("_step", "") if self.is_bound else ""
        chosen = next((step for step in found if step.wrong), None)
        chosen = chosen or next((step for step in found if step.name == was), None)
        if found:
            (chosen or found[0]).open = True
        return found


class Name(forms.CharField):
    """A thing's name: any text up to 255 characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Name"))
        kwargs.setdefault("max_length", NAME_LIMIT)
        super().__init__(**kwargs)
        self.widget.attrs.update({"autocomplete": "off", "spellcheck": "false", "autofocus": True})


class Description(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Description"), required=False, max_length=255, **kwargs)


class Ticked(forms.MultipleChoiceField):
    """Any number of things, none among them, each with a box to tick."""

    def __init__(self, label: Text) -> None:
        super().__init__(label=label, required=False, widget=Checklist)


class Lines(forms.CharField):
    """One value a line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "class": "mono"}))
        super().__init__(**kwargs)

    def clean(self, value: object) -> list[str]:
        text = super().clean(value)
        return [line.strip() for line in text.splitlines() if line.strip()]


class Pairs(forms.CharField):
    """``name=value`` lines as a dict; a dict that it is filled with is shown as lines."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "class": "mono"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: object) -> object:
        return "\n".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else value

    def clean(self, value: object) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in super().clean(value).splitlines():
            if not line.strip():
                continue
            name, equals, text = line.partition("=")
            if not equals or not name.strip():
                raise ValidationError(_("Each line is name=value."))
            found[name.strip()] = text.strip()
        return found


class Json(forms.CharField):
    """A JSON document, typed or pasted; an error says where in the text it is."""

    def __init__(self, *, kind: type = dict, **kwargs: Any) -> None:
        attrs = {"rows": 14, "class": "mono", "spellcheck": "false", "autocomplete": "off"}
        kwargs.setdefault("widget", forms.Textarea(attrs=attrs))
        self.kind = kind
        super().__init__(**kwargs)

    def prepare_value(self, value: object) -> object:
        return value if isinstance(value, str) or value is None else json.dumps(value, indent=2, ensure_ascii=False)

    def clean(self, value: object) -> object:
        text = super().clean(value)
        if not text and not self.required:
            return None
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            where = {"line": error.lineno, "column": error.colno, "why": error.msg}
            raise ValidationError(_("Line %(line)s, column %(column)s: %(why)s."), params=where) from None
        except RecursionError:
            raise ValidationError(_("It is nested too deeply.")) from None
        if not isinstance(found, self.kind):
            want = "[ … ]" if self.kind is list else "{ … }"
            raise ValidationError(_("The whole must be %(want)s."), params={"want": want})
        return found
