"""The days that a usage page is about: a month, or from one day to another, in the reader's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.clock import now
from compute.usage.services import Span
from portal.ui.forms import Styled

DAY = timedelta(days=1)


def _picker() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class RangeForm(Styled):
    start = forms.DateField(label=gettext_lazy("First day"), widget=_picker())
    end = forms.DateField(label=gettext_lazy("Last day"), widget=_picker())

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        start, end = found.get("start"), found.get("end")
        if isinstance(start, date) and isinstance(end, date):
            if start > end:
                self.add_error("end", _("It ends before it begins."))
            elif start > today():
                self.add_error("start", _("That is yet to come: nothing was used."))
        return found


def today() -> date:
    return timezone.localtime(now()).date()


@dataclass(frozen=True)
class Range:
    """From the day `start` to the day `end`, both whole."""

    start: date
    end: date

    @property
    def span(self) -> Span:
        """From the first day's midnight to the last one's; to now, where that is yet to come."""
        zone = timezone.get_current_timezone()
        first, after = (datetime.combine(day, time.min, zone) for day in (self.start, self.end + DAY))
        return Span(first, min(after, now()))

    @property
    def month(self) -> date | None:
        """The first day of the month that it is; None where it is no whole month."""
        return self.start if self == of_month(self.start) else None

    @property
    def before(self) -> date:
        """The month before the one in which it begins."""
        return (self.start.replace(day=1) - DAY).replace(day=1)

    @property
    def after(self) -> date | None:
        """The month after the one in which it begins; None where that is yet to come."""
        following = of_month(self.start).end + DAY
        return following if following <= today() else None


def of_month(day: date) -> Range:
    """Make the range of the whole month of a day."""
    first = day.replace(day=1)
    return Range(first, (first + 31 * DAY).replace(day=1) - DAY)


def read(query: QueryDict) -> tuple[Range, RangeForm]:
    """Read the range that ?month= or ?start= and ?end= ask for, this month unless they do; and the form, with what is wrong."""
    month = query.get("month", "")
    try:
        chosen = of_month(date.fromisoformat(f"{month}-01")) if month else of_month(today())
    except (ValueError, OverflowError):
        chosen = of_month(today())
    if chosen.start > today() or chosen.start.year < 1971:
        chosen = of_month(today())
    if "start" not in query and "end" not in query:
        return chosen, RangeForm({"start": chosen.start, "end": chosen.end})
    form = RangeForm(query)
    if form.is_valid() and form.cleaned_data["start"].year >= 1971:
        chosen = Range(form.cleaned_data["start"], min(form.cleaned_data["end"], of_month(today()).end))
    return chosen, form
