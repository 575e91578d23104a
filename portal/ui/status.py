"""A status: shape, colour and word for what a thing is, or for what is being done to it. The words are their panels'."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from portal.ui import Text


@dataclass(frozen=True)
class Status:
    """`kind` is ok | off | busy | warn | bad; `api` is the API's own word, shown as data-status and in the tooltip."""

    kind: str
    word: Text
    api: str = ""
    note: Text = ""
    since: datetime | None = None


def switch(enabled: bool) -> Status:
    return Status("ok", _("Enabled"), "enabled") if enabled else Status("off", _("Disabled"), "disabled")
