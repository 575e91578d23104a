"""Who may read whose samples: who may see a server sees its load and its ports', operators that of hosts and of the cloud."""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import NotFound, Unavailable
from compute.servers.lifecycle import services as servers
from compute.servers.models import Server
from hosts import services as hosts
from hosts.models import Host
from networking.errors import PortNotFound
from networking.ports.models import Port
from telemetry.meters import HOST, PORT, SERVER, Kind
from telemetry.samples import reading
from telemetry.samples.reading import Points, Span
from telemetry.samples.rollups import CLOUD

log = logging.getLogger(__name__)

Found = TypeVar("Found")


class SamplesUnavailable(Unavailable):
    template = _("The samples cannot be read now. Try again soon.")


class NoSuchSpan(NotFound):
    template = _("Charts go back %(known)s, not %(asked)s.")


def span(name: str) -> Span:
    """Find a span by its name. Raises: NoSuchSpan."""
    found = reading.SPANS.get(name)
    if found is None:
        raise NoSuchSpan(known=", ".join(reading.SPANS), asked=name[:20])
    return found


def of_server(actor: RequestContext, server_id: str, span: Span) -> tuple[Server, Points]:
    """Find a server that the actor sees, and what it used. Raises: ServerNotFound, Forbidden, SamplesUnavailable."""
    server = servers.find(actor, server_id)
    return server, _read(SERVER, server.id, span)


def of_port(actor: RequestContext, server_id: str, port_id: str, span: Span) -> tuple[Port, Points]:
    """Find a port of a server that the actor sees. Raises: ServerNotFound, PortNotFound, Forbidden, SamplesUnavailable."""
    server = servers.find(actor, server_id)
    port = Port.objects.of_server(server).filter(pk=port_id).first()
    if port is None:
        raise PortNotFound(id=port_id[:64])
    return port, _read(PORT, port.id, span)


def of_host(actor: RequestContext, name: str, span: Span) -> tuple[Host, Points]:
    """Find a host, and what it used. Raises: HostUnknown, Forbidden, SamplesUnavailable."""
    policy.require(actor, "os_compute_api:os-hosts:show")
    host = hosts.find(name)
    return host, _read(HOST, host.name, span)


def sees_cloud(actor: RequestContext) -> bool:
    """Tell whether the actor may see what all hosts together use."""
    return policy.allows(actor, "os_compute_api:os-hosts:list")


def of_cloud(actor: RequestContext, span: Span) -> Points:
    """Read what all hosts used together, a minute the finest. Raises: Forbidden, SamplesUnavailable."""
    policy.require(actor, "os_compute_api:os-hosts:list")
    return _read(HOST, CLOUD, reading.MINUTES[span.name])


def latest(kind: Kind, name: str) -> Points:
    """Read what a thing uses now, empty where that is not known; the caller has found it for the actor. Raises: SamplesUnavailable."""
    span = reading.MINUTES["now"] if name == CLOUD else reading.LATEST
    return _read(kind, name, span)


def of_hosts(actor: RequestContext, names: Iterable[str]) -> dict[str, Points]:
    """Read what each of these hosts uses now; of one that has told nothing lately nothing. Raises: Forbidden, SamplesUnavailable."""
    policy.require(actor, "os_compute_api:os-hosts:list")
    return _tried(lambda: reading.many(HOST, names, reading.LATEST, now().timestamp()))


def sparks(seen: Iterable[Server]) -> dict[str, Points]:
    """Read what each of these servers used in the last hour; the caller has made sure that they may be seen. Raises: SamplesUnavailable."""
    return _tried(lambda: reading.many(SERVER, [server.id for server in seen], reading.SPARK, now().timestamp()))


def _read(kind: Kind, name: str, span: Span) -> Points:
    return _tried(lambda: reading.points(kind, name, span, now().timestamp()))


def _tried(read: Callable[[], Found]) -> Found:
    try:
        return read()
    except (sqlite3.Error, OSError) as error:
        log.error("samples cannot be read: %s", error)
        raise SamplesUnavailable from error
