"""Requests to addresses that people name: a name is resolved once, and the connection goes to that very address.

Nothing near is reached: neither this machine, its link, private ranges nor the cloud's own, whatever the address is spelled
like, also after a redirect, unless the operator names it (STACKLING_FETCH_ALLOW). Every answer has a size and a time.
"""

import errno
import http.client
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.errors import Data, Invalid
from common.patterns import glob
from hostagent.contract import inet

PIECE = 1 << 20  # bytes
WAIT_SECONDS = 30.0  # for one connection, and for one piece
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
#: Ranges whose addresses hold an IPv4 address in their last or their second to fifth bytes (RFC 6052, RFC 3056).
_NAT64, _6TO4 = inet.ip_network("64:ff9b::/96"), inet.ip_network("2002::/16")


class NotReached(Invalid):
    """An address that may not be asked, or does not answer."""

    template = _("%(url)s cannot be read: %(why)s.")


class FetchRefused(NotReached):
    formerly = ("Refused",)
    template = _("%(url)s may not be read: %(why)s. An operator can allow it (STACKLING_FETCH_ALLOW).")


#: Errors of a connection → why nothing was read, for people; the numbers' own words are English.
_LATE = _("it did not answer in time")
_WORDS: Mapping[int, Promise] = {
    errno.ECONNREFUSED: _("nothing answers there"),
    errno.EHOSTUNREACH: _("no way leads there"),
    errno.ENETUNREACH: _("no way leads there"),
    errno.ECONNRESET: _("it ended the connection"),
    errno.EPIPE: _("it ended the connection"),
    errno.ETIMEDOUT: _LATE,
}


def _why(error: Exception) -> Promise:
    """Say why a connection brought nothing."""
    match error:
        case socket.gaierror() | UnicodeError():
            return _("its name leads to no address")
        case TimeoutError():
            return _LATE
        case ssl.SSLCertVerificationError():
            return _("its certificate is not one that is trusted")
        case ssl.SSLError():
            return _("no encrypted connection comes about")
        case http.client.HTTPException() | ValueError():
            return _("its answer is no HTTP")
        case OSError():
            return _WORDS.get(error.errno or 0, _("the connection broke"))
    return _("the connection broke")


_own: list[Callable[[], list[str]]] = []


def own_ranges(read: Callable[[], list[str]]) -> None:
    """Registers who knows ranges of this cloud's own, which nobody may ask through it."""
    _own.append(read)


@dataclass(frozen=True)
class Limits:
    """Bounds of a fetch: bytes of the answer, seconds in all, redirects followed."""

    most_bytes: int
    seconds: float
    redirects: int = 0


@dataclass
class Answer:
    """An answer whose body is still to come."""

    status: int
    url: str
    pieces: Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        """Read the whole body. Raises: NotReached when it is too large or comes too slowly."""
        return b"".join(self.pieces)


def allowed() -> list[str]:
    """List what the operator allows: host names (with * for a part), addresses, ranges."""
    return [part.lower() for part in os.environ.get("STACKLING_FETCH_ALLOW", "").replace(",", " ").split()]


def check(url: str) -> None:
    """Check an address as far as can be without asking for its name: a request must not wait for a stranger's name server.

    It is http or https, has a host and no user; where the host is an address, in whatever spelling, it may be asked.
    Raises: FetchRefused.
    """
    _check_form(url)
    host = (urlsplit(url).hostname or "").lower()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    _check_places(url, host, found)


def _check_form(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise FetchRefused(url=url[:200], why=_("it is no address")) from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or not url.isprintable():
        raise FetchRefused(url=url[:200], why=_("it must be http or https, with a host and without a user"))


def resolve(url: str, *, trusted: str = "", near: bool = False) -> tuple[int, str]:
    """Return the family and address to connect to. Every address of the name must be one that may be asked.

    `trusted` is a host that the operator named elsewhere: it may be in a private range; `near`: on this machine too.
    Raises: FetchRefused, NotReached.
    """
    _check_form(url)
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    try:
        found = socket.getaddrinfo(host, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReached(url=url[:200], why=_why(error)) from None
    _check_places(url, host, found, trusted=trusted, near=near)
    return int(found[0][0]), str(found[0][4][0])


def _check_places(
    url: str,
    host: str,
    found: Sequence[tuple[int, int, int, str, tuple[object, ...]]],
    *,
    trusted: str = "",
    near: bool = False,
) -> None:
    for _family, _type, _proto, _name, place in found:
        refusal = _refusal(host, str(place[0]), trusted=trusted, near=near)
        if refusal:
            raise FetchRefused(url=url[:200], **refusal)


def _refusal(host: str, text: str, *, trusted: str, near: bool) -> Data:
    """Say why this address of a host may not be asked, as data of FetchRefused; empty if it may."""
    address = _inner(inet.ip_address(text.partition("%")[0]))
    if near and host == trusted:
        return {}
    names = allowed()
    if host in names or any(_in(address, one) for one in names):
        return {}
    if "%" in text or address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return {"why": _("%(address)s is near this machine"), "address": str(address)}
    if host == trusted or any(glob(one).fullmatch(host) for one in names if "*" in one):
        return {}
    if not address.is_global or getattr(address, "is_site_local", False) or any(_in(address, one) for one in _cloud()):
        return {"why": _("%(address)s is not a public address"), "address": str(address)}
    return {}


def _cloud() -> list[str]:
    return [settings.EXTERNAL_CIDR, *(range_ for read in _own for range_ in read())]


def _in(address: inet.IPAddress, range_: str) -> bool:
    try:
        return address in inet.ip_network(range_, strict=False)
    except ValueError:
        return False


def _inner(address: inet.IPAddress) -> inet.IPAddress:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address in _6TO4 and address.sixtofour is not None else address


def ask(
    url: str,
    *,
    limits: Limits,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    trusted: str = "",
    near: bool = False,
) -> Answer:
    """Make one request, and follow the redirects that `limits` allows, each held to the same rules.

    Raises: FetchRefused, NotReached; while its pieces are read, NotReached too.
    """
    until = time.monotonic() + limits.seconds
    for _hop in range(limits.redirects + 1):
        link = _connect(url, until, trusted=trusted, near=near)
        try:
            parts = urlsplit(url)
            link.request(
                method, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", body, dict(headers or {})
            )
            answer = link.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            link.close()
            raise NotReached(url=url[:200], why=_why(error)) from None
        if not limits.redirects or answer.status not in REDIRECTS:
            return Answer(answer.status, url, _pieces(link, answer, url, limits, until), dict(answer.headers))
        link.close()
        url = urljoin(url, answer.headers.get("Location", ""))
    raise NotReached(url=url[:200], why=_("it leads on and on"))


def _connect(url: str, until: float, *, trusted: str, near: bool) -> http.client.HTTPConnection:
    """A connection to the address that was checked, under the name that was asked for."""
    family, address = resolve(url, trusted=trusted, near=near)
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    link = http.client.HTTPConnection(parts.hostname or "", port, timeout=WAIT_SECONDS)
    link.default_port = 443 if is_tls else 80  # the Host header has a port where it is another
    wire = socket.socket(socket.AddressFamily(family), socket.SOCK_STREAM)
    try:
        wire.settimeout(_left(url, until))
        wire.connect((address, port))
        if is_tls:
            wire = ssl.create_default_context().wrap_socket(wire, server_hostname=parts.hostname)
    except (OSError, ValueError) as error:
        wire.close()
        raise NotReached(url=url[:200], why=_why(error)) from None
    link.sock = wire
    return link


def _left(url: str, until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise NotReached(url=url[:200], why=_("it took too long"))
    return min(WAIT_SECONDS, left)


def _pieces(
    link: http.client.HTTPConnection, answer: http.client.HTTPResponse, url: str, limits: Limits, until: float
) -> Iterator[bytes]:
    """The body. A peer that sends a byte now and then meets the whole time: each read gives what is there."""
    count = 0
    try:
        while True:
            if link.sock is not None:
                link.sock.settimeout(_left(url, until))
            piece = answer.read1(PIECE)
            if not piece:
                break
            count += len(piece)
            if count > limits.most_bytes:
                raise NotReached(url=url[:200], why=_("it is larger than %(most)s bytes"), most=limits.most_bytes)
            _left(url, until)
            yield piece
        if answer.length:
            raise NotReached(url=url[:200], why=_("it ended before its end"))
    except (OSError, http.client.HTTPException) as error:
        raise NotReached(url=url[:200], why=_why(error)) from None
    finally:
        link.close()
