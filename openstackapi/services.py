"""The services of this cloud: one object each, declared in its app's `service.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Service:
    """One OpenStack API.

    `type`         as the catalog has it; its routes lie under `/api/<type>/`
    `name`         the project's name, as the catalog shows it
    `path`         of its endpoint under the front door, e.g. `/api/compute/v2.1`
    `description`  in the catalog; `about` in the API's documentation
    `urls`         module of its routes; `internal_urls` of those below `/internal/`, which hosts' agents ask
    `microversions`  (oldest, newest), or None; `legacy_header` is an older name of the header that asks for one
    """

    type: str
    name: str
    path: str
    about: str
    urls: str
    description: str = ""
    internal_urls: str = ""
    microversions: tuple[str, str] | None = None
    legacy_header: str = ""


_services: dict[str, Service] = {}


def declare(service: Service) -> None:
    """Add a service; a second one of the same type takes the first one's place."""
    _services[service.type] = service


def find(type: str) -> Service | None:
    return _services.get(type)


def every() -> list[Service]:
    """All services, in the order of their apps."""
    return list(_services.values())
