"""Numbers in texts that somebody sent."""


def is_whole(text: str) -> bool:
    """Whether `int(text)` is a whole number, zero or more, that a database column holds.

    `str.isdigit` is not enough: it takes ² too, and thousands of digits, at both of which `int` fails.
    """
    return text.isascii() and text.isdigit() and len(text) <= 18
