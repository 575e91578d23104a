"""The services of this cloud: one object each, declared in its app's `service.py`.

Those files import nothing that needs Django: the reverse proxy's configuration is made of them too (cloud/run/answers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from common.errors import CloudError
from openstackapi.envelopes import Envelope, Fault, keystone

JSON_RENDERER = "openstackapi.render.JSONRenderer"
#: Kind of error → HTTP status.
Statuses: TypeAlias = Mapping[type[CloudError], int]


@dataclass(frozen=True)
class Offer:
    """Dotted names of renderers in the order in which a service prefers them, and of the one where Accept takes none of them."""

    renderers: tuple[str, ...] = (JSON_RENDERER,)
    otherwise: str = JSON_RENDERER


@dataclass(frozen=True, kw_only=True)
class Service:
    """One OpenStack API.

    `type`         its routes lie under `/api/<type>/`, and it is what its microversions' header names
    `catalog_types`  the types under which the catalog has it; none: its `type`
    `name`         the project's name, as the catalog shows it
    `path`         of its endpoint under the reverse proxy, e.g. `/api/compute/v2.1`
    `description`  in the catalog; `about` in the API's documentation
    `urls`         module of its routes; `internal_urls` of those below `/internal/`, which hosts' agents ask
    `microversions`  (oldest, newest), or None; `legacy_header` is an older name of the header that asks for one
    `statuses`     kind of error → HTTP status, where the service answers otherwise than openstackapi.faults.STATUS
    `envelope`     how it writes an error; `answers` and `faults` in which forms it answers and tells errors
    `id_header`    an older name of the header that holds the request's id
    """

    type: str
    name: str
    path: str
    about: str
    urls: str
    catalog_types: tuple[str, ...] = ()
    description: str = ""
    internal_urls: str = ""
    microversions: tuple[str, str] | None = None
    legacy_header: str = ""
    statuses: Statuses = field(default_factory=dict, hash=False)
    envelope: Envelope = keystone
    answers: Offer = Offer()
    faults: Offer = Offer()
    id_header: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The types under which the catalog has it; the first is the one that clients look for."""
        return self.catalog_types or (self.type,)


_services: dict[str, Service] = {}
_added: dict[str, list[str]] = {}


def declare(service: Service) -> None:
    """Add a service; a second one of the same type takes the first one's place."""
    _services[service.type] = service


def add_routes(type: str, urls: str) -> None:
    """Have the module `urls` answer too below `/api/<type>/`: for a room above the service's own."""
    _added.setdefault(type, []).append(urls)


def routes(service: Service) -> list[str]:
    """List the modules of a service's routes, its own first."""
    return [service.urls, *_added.get(service.type, ())]


def find(type: str) -> Service | None:
    return _services.get(type)


def of_path(path: str) -> Service | None:
    """Find the service whose route a path is, by `/api/<type>/`."""
    parts = path.split("/", 3)
    return _services.get(parts[2]) if len(parts) > 2 and parts[1] == "api" else None


def every() -> list[Service]:
    """List all services, in the order of their apps."""
    return list(_services.values())


def fault_body(fault: Fault) -> Mapping[str, object]:
    """Write a fault as its service does."""
    service = find(fault.service)
    return (service.envelope if service else keystone)(fault)
