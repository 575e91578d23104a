"""The request, or the command, on whose behalf this thread changes things. What runs outside of one is the cloud's own work."""

import getpass
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.http import HttpRequest

from authorization.context import RequestContext

if TYPE_CHECKING:
    from audit.models import Event


@dataclass(slots=True)
class Context:
    """`request` is an HttpRequest, whose actor becomes known on the way, or None for a command."""

    request: HttpRequest | None = None
    given: RequestContext | None = None
    address: str = ""
    agent: str = ""
    request_id: str = ""
    #: What is written when the request is over, whatever became of its transactions: refusals.
    afterwards: list["Event"] = field(default_factory=list)
    #: What was recorded once and needs no second record.
    told: set[str] = field(default_factory=set)

    @property
    def actor(self) -> RequestContext | None:
        return self.given or getattr(self.request, "actor", None)


_current: ContextVar[Context | None] = ContextVar("audit", default=None)
current = _current.get


@contextmanager
def of(context: Context) -> Iterator[Context]:
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextmanager
def acting(actor: RequestContext, *, agent: str = "", request_id: str = "") -> Iterator[Context]:
    """Have what the cloud, or an operator's command, does by itself be recorded."""
    with of(Context(given=actor, agent=agent, request_id=request_id or f"req-{uuid.uuid4()}")) as context:
        yield context


#: Commands by which an operator changes what people own; the others are the cloud's own upkeep.
COMMANDS = ("host_down", "identity_provider_client", "setaside", "shell")


@contextmanager
def of_command(argv: Sequence[str]) -> Iterator[None]:
    """Record what an operator changes by one of COMMANDS as theirs."""
    if len(argv) < 2 or argv[1] not in COMMANDS:
        yield
        return
    with operating(argv[1]):
        yield


@contextmanager
def operating(command: str) -> Iterator[Context]:
    """Record what a manage.py command does under the operator's name on this machine."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        name = str(os.getuid())
    with acting(RequestContext.internal(name), agent=f"manage.py {command}") as context:
        yield context
