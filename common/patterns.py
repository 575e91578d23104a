"""Patterns that people write, matched in time linear in the text: regular expressions and globs.

The one module that may compile a pattern that is not a literal (tests/common/test_patterns.py). RE2 has neither look-around nor
back-references, which need backtracking; a pattern that is anchored may begin with look-aheads, since those are patterns
of their own that hold at the same place. Source: https://github.com/google/re2/wiki/Syntax.
"""

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol, TypeVar

import re2
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid

#: Characters of a pattern, and bytes that its program and its states may take: both bound a match by a few ms.
LONGEST = 255
MEMORY = 128 * 1024
#: Seconds of CPU that one request may spend on finding what matches.
SCAN_SECONDS = 2.0


Key = TypeVar("Key")


class Compiled(Protocol):
    """A pattern that re2 has compiled."""

    def search(self, text: str) -> object | None: ...

    def match(self, text: str) -> object | None: ...

    def fullmatch(self, text: str) -> object | None: ...


class BadPattern(Invalid):
    template = _(
        "Value '%(pattern)s' is not a regular expression that runs here: %(reason)s. Write it in RE2's syntax, which "
        "knows no look-around, no back-references and no repetition beyond 1000."
    )


class TooSlow(Invalid):
    template = _(
        "Value '%(pattern)s' took too long to compare with %(count)s texts. Write a simpler one, or narrow the list by "
        "other filters."
    )


class Pattern:
    """A regular expression, and the look-aheads that must (True) or must not (False) hold where it begins."""

    def __init__(self, text: str, main: Compiled, ahead: tuple[tuple[bool, Compiled], ...] = ()) -> None:
        self.text, self._main, self._ahead = text, main, ahead

    def search(self, text: str) -> bool:
        """Whether it is found anywhere in `text`."""
        return self._holds(text) and self._main.search(_encodable(text)) is not None

    def match(self, text: str) -> bool:
        """Whether it is found at the beginning of `text`."""
        return self._holds(text) and self._main.match(_encodable(text)) is not None

    def fullmatch(self, text: str) -> bool:
        """Whether all of `text` is it."""
        return self._holds(text) and self._main.fullmatch(_encodable(text)) is not None

    def _holds(self, text: str) -> bool:
        return all((one.match(_encodable(text)) is not None) is wanted for wanted, one in self._ahead)

    def among(self, texts: Iterable[tuple[Key, str | None]]) -> list[Key]:
        """List the keys of the (key, text) in whose text it is found; in None nothing is. Raises: TooSlow."""
        until = time.thread_time() + SCAN_SECONDS
        found = []
        for count, (key, text) in enumerate(texts):
            if text is not None and self.search(text):
                found.append(key)
            if count % 64 == 63 and time.thread_time() > until:
                raise TooSlow(pattern=self.text, count=count)
        return found


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _options() -> object:
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    return options


def _compiled(text: str, whole: str) -> Compiled:
    try:
        found: Compiled = re2.compile(text, _options())
        return found
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else error
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(error)
        raise BadPattern(pattern=_encodable(whole[:LONGEST]), reason=reason) from None


def regex(text: str) -> Pattern:
    """Return a regular expression that someone wrote. Raises: BadPattern."""
    return _regex(text, anchored=text.startswith("^"))


def rule(text: str) -> Pattern:
    """Compile an expression for `match` or `fullmatch` alone, so that it may begin with look-aheads. Raises: BadPattern."""
    return _regex(text, anchored=True)


@lru_cache(maxsize=256)
def _regex(text: str, *, anchored: bool) -> Pattern:
    if len(text) > LONGEST:
        raise BadPattern(pattern=text[:LONGEST], reason=_("it is longer than %(most)s characters"), most=LONGEST)
    ahead: list[tuple[bool, Compiled]] = []
    start, rest = ("^", text[1:]) if text.startswith("^") else ("", text)
    if anchored and _end(text, 0, "|") == len(text):  # else a look-ahead is of the first alternative only
        while rest.startswith(("(?=", "(?!")):
            end = _end(rest, 1, ")")
            if end == len(rest):
                break
            ahead.append((rest[2] == "=", _compiled(rest[3:end], text)))
            rest = rest[end + 1 :]
    return Pattern(text, _compiled(start + rest if ahead else text, text), tuple(ahead))


def _end(text: str, depth: int, wanted: str) -> int:
    """Find the index of `wanted` outside of classes: a ")" that closes group number `depth`, or a "|" outside of all groups.

    The length of the text if it is not found.
    """
    open_, inside, at = 0, False, 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif inside:
            inside = letter != "]"
        elif letter == "[":
            inside = True
            at += text[at + 1 : at + 2] == "^"
            at += text[at + 1 : at + 2] == "]"  # first in a class it is a letter
        elif letter in "()":
            open_ += 1 if letter == "(" else -1
            if letter == wanted and open_ == depth - 1:
                return at
        elif letter == wanted and open_ == depth:
            return at
        at += 1
    return len(text)


@lru_cache(maxsize=1024)
def glob(text: str, *, separator: str = "/") -> Pattern:
    """Return a path in which ``*`` and ``{name}`` stand for one segment and ``**`` for any number of them."""
    one = f"[^{re2.escape(separator)}]+"
    parts = re.split(r"(\*\*|\*|\{[^}]*\})", _encodable(text))
    made = "".join(
        ".*" if part == "**" else one if part == "*" or part[:1] == "{" else re2.escape(part) for part in parts
    )
    return Pattern(text, _compiled(f"(?s){made}", text))
