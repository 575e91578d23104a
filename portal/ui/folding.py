"""Templates are written over many lines and sent without them: white space around a line break goes when one is read.

The rule is JSX's. A line break with the white space around it vanishes beside an element, a template tag or a variable;
between two words, and between two attributes, it is one space. A space that is meant where a line breaks is written
`&#32;`. Text inside `{% blocktranslate %}` stays as it is: say `trimmed` there. The end of a table's cell goes too: HTML
ends it at the next one.
"""

import re

from django.template import Origin
from django.template.base import tag_re
from django.template.loaders import filesystem

#: Marks at which the reader enters or leaves a tag or a quoted value, and white space that may go.
_MARK = re.compile(r"</td>|<(?=[A-Za-z/!])|[\"'>]|\s*\n\s*|\s+(?=/>)")
_UNTOUCHED = re.compile(r"\{%\s*(end)?blocktrans(?:late)?\b")


class Loader(filesystem.Loader):
    """Reads the portal's own templates, folded. Django's cached loader keeps them, so this happens once a process."""

    def get_contents(self, origin: Origin) -> str:
        return fold(super().get_contents(origin))


def fold(source: str) -> str:
    """Return a template's source without its layout; Django's errors number the lines of the result."""
    bits = tag_re.split(source)  # texts, and between them template tags
    place, is_untouched = _Place(), False
    for at, bit in enumerate(bits):
        if at % 2:
            found = _UNTOUCHED.match(bit)
            is_untouched = not found[1] if found else is_untouched
        elif not is_untouched:
            bits[at] = place.fold(bit)
    return "".join(bits)


class _Place:
    """Position of the reader in a page's HTML: inside a tag or not, and inside which quotes."""

    def __init__(self) -> None:
        self.in_tag, self.quote = False, ""

    def fold(self, text: str) -> str:
        """One text between two template tags."""

        def one(found: re.Match[str]) -> str:
            mark = found[0]
            if mark in ("</td>", " "):
                return ""
            if "\n" not in mark:
                self._pass(mark)
                return mark
            before, after = text[: found.start()][-1:], text[found.end() :][:1]
            if self.in_tag:
                return "" if after in (">", "/") else " "
            return "" if before in (">", "") or after in ("<", "") else " "

        return _MARK.sub(one, text).replace("&#32;", " ")

    def _pass(self, mark: str) -> None:
        if not self.in_tag:
            self.in_tag = mark == "<"
        elif mark == ">":
            self.in_tag = bool(self.quote)
        elif mark != "<":
            self.quote = "" if self.quote == mark else self.quote or mark
