"""Names close to one that was not found, so that an error can say what may have been meant."""

import difflib
from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from common.errors import Data


def close_names(given: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Up to `most` of `names`, the closest first; empty when none is close."""
    by_lower = {name.lower(): name for name in names}
    return [by_lower[low] for low in difflib.get_close_matches(given.lower(), list(by_lower), n=most, cutoff=0.5)]


def did_you_mean(given: str, names: Iterable[str]) -> Data:
    """`` Did you mean a, b?`` or nothing, as the data of an error whose sentence has a %(hint)s."""
    close = close_names(given, names)
    return {"hint": _(" Did you mean %(names)s?") if close else "", "names": ", ".join(close)}
