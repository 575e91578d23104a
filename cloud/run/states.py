"""A server's status as a client of the API reads it; `demo-break` is such a client."""


def has_settled(status: str) -> bool:
    """True once a launch has ended, well or not."""
    return status in ("ACTIVE", "ERROR")


def is_working(status: str) -> bool:
    """True if the launch ended well."""
    return status == "ACTIVE"
