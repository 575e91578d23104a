"""Parts of pages that are rendered once for all that they show: most of a page is the same each time."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Final

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

MOST: Final = 1000  # parts; the oldest go
LONGEST: Final = 10_000  # characters of one: an address can be long, and a part that repeats it many times as long

_parts: OrderedDict[Hashable, SafeString] = OrderedDict()


def part(template: str, key: Hashable = (), context: Mapping[str, object] | None = None) -> SafeString:
    """Return a part of a page in the present language. `key` names all that differs in `context`."""
    whole = (template, translation.get_language(), key)
    known = _parts.get(whole)
    if known is not None:
        return known
    made = render_to_string(template, {**(context or {})})
    if len(made) <= LONGEST:
        _parts[whole] = made
        if len(_parts) > MOST:
            _parts.popitem(last=False)
    return made
