"""What is asked of a directory. Nothing here writes to it, and ldap3 (5 MiB, 0.2 s) is loaded by the first question."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from common.errors import Unavailable
from identity.ldap.options import Config


class DirectoryDown(Unavailable):
    template = _("The directory of domain %(domain)s cannot be asked: %(reason)s. Try again in %(retry_after)s seconds; if it stays so, tell the operator.")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A user or group of a directory. `values` has attributes in lower case, each with its values as texts."""

    dn: str
    local_id: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def first(self, attribute: str | None) -> str | None:
        found = self.values.get((attribute or "").lower(), [])
        return found[0] if found else None

    def all(self, attribute: str | None) -> list[str]:
        return self.values.get((attribute or "").lower(), [])


class Directory(Protocol):
    """One bound connection; made by `connected`."""

    config: Config

    def search(self, entity: str, condition: str = "", *, attributes: Sequence[str] = ()) -> list[Entry]:
        """The users or groups that fit an escaped LDAP filter. Raises: DirectoryDown, when `connected` ends."""

    def has(self, dn: str, condition: str) -> bool:
        """Whether the entry at `dn` is there and fits an escaped filter. Raises: DirectoryDown, when `connected` ends."""


def connected(config: Config) -> AbstractContextManager[Directory]:
    """The directory, bound as the configuration says. Raises: BadOption, DirectoryDown."""
    from identity.ldap import connection

    return connection.connected(config)


def accepts(config: Config, dn: str, password: str) -> bool:
    """Whether the directory takes this password of an entry. Raises: BadOption, DirectoryDown."""
    from identity.ldap import connection

    return connection.accepts(config, dn, password)


def equals(attribute: str, value: str) -> str:
    """A filter (attribute=value) in which nothing of the value can be more than text."""
    from identity.ldap import connection

    return connection.equals(attribute, value)


def plain_dn(dn: str) -> str:
    """A DN in the form in which two of the same compare equal, whatever their case and spaces."""
    from identity.ldap import connection

    return connection.plain_dn(dn)
