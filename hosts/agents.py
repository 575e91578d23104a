"""Requests of agents at /internal/: verify the host's signature, refuse repeats, and check what the host may open."""

import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common import errors
from hostagent.contract.messages import WINDOW, http_signature
from hostagent.messaging import envelope
from hosts import services
from hosts.models import Host

log = logging.getLogger(__name__)

SKEW_1: Final = 120.0  # seconds an agent's clock may be off that never learned ours (version 1)
BUCKET: Final = 2 * WINDOW  # seconds of one folder of nonces


class AgentRefused(errors.Unauthorized):
    template = _("This request is not signed by a host of this cloud.")


class AgentLate(AgentRefused):
    template = _("This request was signed %(seconds)s s from now. Set the clock of the host, or start its agent again.")


class AgentRepeated(AgentRefused):
    template = _("This request was made before. Sign each one anew.")


class NotOfThisHost(errors.NotFound):
    template = _("Nothing that host %(host)s runs or was asked to do needs %(what)s.")


# ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def authenticate_agent(request: HttpRequest, *, is_streamed: bool = False) -> Host:
    """Verify the signature of an /internal/ request and find the host whose key signed it. Each request is accepted once.

    The body is held against its digest, unless it `is_streamed`: then `checked` does that as it is read.
    Raises: AgentRefused.
    """
    name = request.META.get("HTTP_X_STACKLING_HOST", "")
    key = services.key_of(name)
    host = Host.objects.filter(name=name).first() if key is not None else None
    if key is None or host is None:
        raise AgentRefused()
    keys = (key, *services.other_keys_of(name))
    if "HTTP_X_STACKLING_SEAL_2" in request.META:
        _check(request, keys, is_streamed=is_streamed)
    elif host.speaks > 1 or settings.AGENT_CONTRACT > 1:
        raise AgentRefused()  # its agent knows better
    else:
        _check_version_1(request, keys)
    return host


def checked(request: HttpRequest, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a streamed body, and compare its digest with the signed one at the end.

    Raises: AgentRefused.
    """
    want = request.META.get("HTTP_X_STACKLING_DIGEST", "") if "HTTP_X_STACKLING_SEAL_2" in request.META else ""
    digest = hashlib.sha512()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if want and digest.hexdigest() != want:
        raise AgentRefused()


def _check(request: HttpRequest, keys: tuple[str, ...], *, is_streamed: bool) -> None:
    at, nonce, digest = (request.META.get(f"HTTP_X_STACKLING_{part}", "") for part in ("TIME", "NONCE", "DIGEST"))
    identity = tuple(
        request.META.get("HTTP_" + header.upper().replace("-", "_"), "") for header in envelope.IDENTITY_HEADERS
    )
    said = {"method": request.method or "", "path": request.get_full_path(), "at": at, "nonce": nonce, "digest": digest}
    _compare(
        request.META["HTTP_X_STACKLING_SEAL_2"],
        [envelope.http_signature(key, **said, identity=identity) for key in keys],
    )
    _check_time(at, WINDOW)
    if not is_streamed and envelope.body_digest(request.body) != digest:
        raise AgentRefused()
    if not once.take(nonce):
        raise AgentRepeated()


def _check_version_1(request: HttpRequest, keys: tuple[str, ...]) -> None:
    at, method, path = request.META.get("HTTP_X_STACKLING_TIME", ""), request.method or "", request.get_full_path()
    _compare(request.META.get("HTTP_X_STACKLING_SEAL", ""), [http_signature(key, method, path, at) for key in keys])
    _check_time(at, SKEW_1)


def _compare(have: str, wanted: list[str]) -> None:
    if not any(envelope.is_same(have, want) for want in wanted):
        raise AgentRefused()


def _check_time(at: str, window: float) -> None:
    try:
        off = round(time.time() - float(at), 3)
    except ValueError:
        raise AgentRefused() from None
    if not abs(off) <= window:
        raise AgentLate(seconds=off)


# ── Once ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Once:
    """Remembers what was used, for all processes of this machine: an empty file a nonce, in a folder a few minutes old.

    Where the folder cannot be made, for this process only.
    """

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()
        self._bucket = 0

    def take(self, nonce: str) -> bool:
        """Take a nonce. Returns False if it was used before or is no nonce."""
        if len(nonce) != 2 * envelope.NONCE_BYTES or not nonce.isalnum():
            return False
        moment = time.time()
        with self._lock:
            if nonce in self._used:
                return False
            self._used[nonce] = moment
            if len(self._used) > 10_000:
                self._used = {one: at for one, at in self._used.items() if at > moment - BUCKET}
        return self._take_file(nonce, int(moment // BUCKET))

    def _take_file(self, nonce: str, bucket: int) -> bool:
        folder = self._place()
        try:
            if bucket != self._bucket:
                self._turn(folder, bucket)
            if (folder / str(bucket - 1) / nonce).exists():
                return False
            os.close(os.open(folder / str(bucket) / nonce, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            log.debug("nonces are remembered by this process only: %s", error)
        return True

    def _turn(self, folder: Path, bucket: int) -> None:
        """Begin the folder of this period, and delete those whose nonces are too old to be accepted."""
        if folder.parent.is_dir():
            (folder / str(bucket)).mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.name.isdigit() and int(old.name) < bucket - 1:
                shutil.rmtree(old, ignore_errors=True)
        self._bucket = bucket


once = Once(lambda: Path(settings.RUN) / "nonces")


# ── What ────────────────────────────────────────────────────────────────────────────────────────────────────────────

Kind = Literal["read image", "write image"]
May = Callable[[str, str], bool]
_may: dict[Kind, list[May]] = {}


def allow(kind: Kind, may: May) -> None:
    """Set by the apps above: `may(host, id)` says whether something that host runs or was asked to do needs the thing."""
    _may.setdefault(kind, []).append(may)


def require(host: Host, kind: Kind, id: str) -> None:
    """Check that a host needs what it requests. Raises: NotOfThisHost unless somebody says that the host needs it."""
    if not any(may(host.name, id) for may in _may.get(kind, ())):
        log.warning("host %s may not %s %s", host.name, kind, id[:64])
        raise NotOfThisHost(host=host.name, what=id[:64])
