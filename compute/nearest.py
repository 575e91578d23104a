"""Names close to one that was not found, so that an error can say what may have been meant."""

import difflib
from collections.abc import Iterable


def nearest(asked: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Up to `most` of `names`, the closest first; empty when none is close."""
    by_lower = {name.lower(): name for name in names}
    return [by_lower[low] for low in difflib.get_close_matches(asked.lower(), list(by_lower), n=most, cutoff=0.5)]


def hint(asked: str, names: Iterable[str]) -> str:
    """`` Did you mean a, b?`` or nothing."""
    close = nearest(asked, names)
    return f" Did you mean {', '.join(close)}?" if close else ""
