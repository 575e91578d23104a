"""A directory and its entries, as the cloud knows them."""

from collections.abc import Sequence
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
        """List the users or groups that fit an escaped LDAP filter. Raises: DirectoryDown, when `connected` ends."""

    def has(self, dn: str, condition: str) -> bool:
        """Whether the entry at `dn` is there and fits an escaped filter. Raises: DirectoryDown, when `connected` ends."""
