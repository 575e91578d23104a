"""Numbers that somebody sent, in texts and otherwise."""

from collections.abc import Iterable

#: The largest number that a database column of whole numbers holds.
LARGEST = 2**31 - 1


def is_whole(text: str) -> bool:
    """Whether `int(text)` is a whole number, zero or more, that a database column holds.

    `str.isdigit` is not enough: it takes ² too, and thousands of digits, at both of which `int` fails.
    """
    return text.isascii() and text.isdigit() and len(text) <= 18


def wholes(texts: Iterable[str]) -> list[int] | None:
    """List whole numbers that a filter asks for, without those that no column holds and no row can have. None where one is none."""
    found = []
    for text in (one.strip() for one in texts):
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            return None
        if is_whole(digits):
            found.append(int(text))
    return found
