"""Binary units as people read them."""

MIB = 1024**2
GIB = 1024**3
TIB = 1024**4


def mib_of(size: int) -> int:
    """Whole MiB that hold `size` bytes, rounded up."""
    return -(-size // MIB)


def gib_of(size: int) -> int:
    """Whole GiB that hold `size` bytes, rounded up."""
    return -(-size // GIB)


def three_digits(number: float) -> str:
    """Write a number with three significant digits, and all of those before the point: ``1.5``, ``12.3``, ``1234``."""
    return f"{number:.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"


def human_bytes(size: float) -> str:
    """`size` bytes with a binary unit, a space, and at most three significant digits: ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024 or unit == "TiB":
            return f"{three_digits(size)} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def human_mib(mib: float) -> str:
    return human_bytes(mib * MIB)
