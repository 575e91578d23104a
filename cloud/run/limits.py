"""STACKLING_RATE_LIMITS: how much one address and one user may ask at a time, as `name=number` pairs or `off`."""

from dataclasses import dataclass, fields

#: Seconds over which requests are counted: a burst may use all of it at once.
WINDOW = 10


@dataclass(frozen=True)
class Limits:
    """Limits in the reverse proxy and in web; 0 is without limit. An IPv6 address counts with its whole /64.

    `address`         requests a second from an address
    `authentication`  requests a second from an address that prove who asks (tokens, sign-in, passwords)
    `user`            requests a second of a user, whatever the address
    `open`            requests of an address that are under way at a time: bodies that come, answers that go
    `uploads`         images that an address, and that a user, sends at a time
    `sockets`         web sockets and consoles that an address has open
    `connections`     connections that an address has open; proxies in STACKLING_TRUSTED_PROXIES do not count
    `hashes`          hashes of passwords that are computed at a time; others wait their turn, at most 64
    """

    address: int = 1000
    authentication: int = 50
    user: int = 1000
    open: int = 128
    uploads: int = 16
    sockets: int = 256
    connections: int = 1000
    hashes: int = 2


NONE = Limits(address=0, authentication=0, user=0, open=0, uploads=0, sockets=0, connections=0)


def read(text: str) -> Limits:
    """Parse the limits of a setting; a limit that it does not name keeps its default.

    Raises: ValueError with a sentence.
    """
    if text.strip() == "off":
        return NONE
    known = [field.name for field in fields(Limits)]
    given: dict[str, int] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (part.strip() for part in pair.partition("="))
        if name not in known or not (number.isascii() and number.isdigit()):
            raise ValueError(
                f"it holds {pair!r}. Write `off`, or name=number with commas between; names: {', '.join(known)}"
            )
        given[name] = int(number)
    if given.get("hashes") == 0:
        raise ValueError("hashes=0 would let nobody sign in")
    return Limits(**given)
