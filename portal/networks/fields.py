"""Form fields of networks: addresses, ranges and routes as people write them, refused with a sentence that says how."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import CloudError
from hostagent.contract import inet
from networking.addressing import canonical
from networking.networks import segments
from portal.ui import Text

MONO = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}
_BETWEEN = re.compile(r"\s*(?:,|→|->|\bvia\b|\s)\s*")
_SPAN = re.compile(r"\s*(?:,|-|–|\s)\s*")


@contextmanager
def at(form: forms.Form, field: str) -> Iterator[None]:
    """Put what a check of the service refuses to the field that it is about."""
    try:
        yield
    except CloudError as error:
        form.add_error(field, error.message)


class Cidr(forms.CharField):
    """A network such as 10.0.1.0/24, IPv4 or IPv6."""

    def __init__(
        self, *, label: Text = gettext_lazy("Addresses (CIDR)"), required: bool = True, help_text: Text = ""
    ) -> None:
        super().__init__(label=label, required=required, help_text=help_text)
        self.widget.attrs.update({"placeholder": "10.0.1.0/24", **MONO})

    def clean(self, value: object) -> str:
        text = super().clean(value).strip()
        if not text:
            return ""
        try:
            return str(inet.ip_network(text))
        except ValueError as error:
            raise ValidationError(_("This is not a network such as 10.0.1.0/24.")) from error


class Address(forms.GenericIPAddressField):
    """One address, IPv4 or IPv6, or nothing."""

    def __init__(self, *, label: Text, help_text: Text = "", required: bool = False) -> None:
        super().__init__(label=label, help_text=help_text, required=required)
        self.widget.attrs.update(MONO)


class Parsed(forms.CharField):
    """One value a line, each read by `read`. The error names the line and says how one looks."""

    like = ""

    def __init__(self, *, label: Text, help_text: Text = "", rows: int = 2) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "placeholder": self.like, **MONO})
        super().__init__(label=label, help_text=help_text, required=False, widget=widget)

    def read(self, line: str) -> object:
        """Raises: ValueError."""
        raise NotImplementedError

    def clean(self, value: object) -> list[object]:
        found = []
        for line in filter(str.strip, super().clean(value).splitlines()):
            try:
                found.append(self.read(line.strip()))
            except ValueError:
                raise ValidationError(
                    _("“%(line)s” is not understood. A line is like %(like)s"),
                    params={"line": line[:80], "like": self.like},
                ) from None
        return found


class Addresses(Parsed):
    like = "10.0.0.10"

    def read(self, line: str) -> str:
        return str(inet.ip_address(line))


class Ranges(Parsed):
    """Allocation pools: [{"start", "end"}]."""

    like = "10.0.0.10 - 10.0.0.50"

    def read(self, line: str) -> dict[str, str]:
        first, last = _SPAN.split(line)
        return {"start": str(inet.ip_address(first)), "end": str(inet.ip_address(last))}


class Routes(Parsed):
    """Routes: [{"destination", "nexthop"}]."""

    like = "192.168.7.0/24, 10.0.0.254"

    def read(self, line: str) -> dict[str, str]:
        destination, nexthop = _BETWEEN.split(line)
        return {"destination": str(inet.ip_network(destination)), "nexthop": str(inet.ip_address(nexthop))}


class Mtu(forms.IntegerField):
    """The largest packet of a network, in bytes, or nothing."""

    def __init__(self) -> None:
        super().__init__(label="MTU", required=False, help_text=gettext_lazy("In bytes. Empty: the most that fits."))

    def clean(self, value: object) -> int | None:
        mtu: int | None = super().clean(value)
        try:
            segments.check_mtu(mtu, segments.DEFAULT_KIND)
        except CloudError as error:
            raise ValidationError(error.message) from error
        return mtu


class Range(forms.CharField):
    """An address or a network, as it was typed."""

    def __init__(self, *, label: Text, help_text: Text = "") -> None:
        super().__init__(label=label, help_text=help_text)
        self.widget.attrs.update({"placeholder": "10.0.0.100", **MONO})

    def clean(self, value: object) -> str:
        text = str(super().clean(value)).strip()
        try:
            canonical(text)
        except ValueError as error:
            raise ValidationError(_("This is neither an address nor a network such as 10.1.0.0/24.")) from error
        return text


class Mac(forms.CharField):
    """A MAC address, or nothing."""

    def __init__(self, *, label: Text = gettext_lazy("MAC address"), help_text: Text = "") -> None:
        super().__init__(label=label, help_text=help_text, required=False)
        self.widget.attrs.update({"placeholder": "fa:16:3e:…", **MONO})

    def clean(self, value: object) -> str:
        text = str(super().clean(value)).strip().lower().replace("-", ":")
        if text and not re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text):
            raise ValidationError(_("This is not a MAC address such as fa:16:3e:12:34:56."))
        return text


def in_lines(rows: object, word: Callable[[dict[str, str]], str]) -> str:
    """Write a list of the API as the text of a field with one a line."""
    return "\n".join(word(row) for row in rows) if isinstance(rows, list) else ""


def pool_words(pool: dict[str, str]) -> str:
    return f"{pool['start']} - {pool['end']}"


def route_words(route: dict[str, str]) -> str:
    return f"{route['destination']}, {route['nexthop']}"
