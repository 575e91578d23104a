"""Questions to a directory. Nothing here writes to it, and ldap3 (5 MiB, 0.2 s) is loaded by the first question."""

from contextlib import AbstractContextManager
from typing import cast

from identity.ldap.entries import Directory
from identity.ldap.options import Config


def connected(config: Config) -> AbstractContextManager[Directory]:
    """Connect to the directory, bound as the configuration says. Raises: BadOption, DirectoryDown."""
    from identity.ldap import connection

    return cast("AbstractContextManager[Directory]", connection.connected(config))


def accepts(config: Config, dn: str, password: str) -> bool:
    """Whether the directory takes this password of an entry. Raises: BadOption, DirectoryDown."""
    from identity.ldap import connection

    return connection.accepts(config, dn, password)


def equals(attribute: str, value: str) -> str:
    """Return a filter (attribute=value) in which nothing of the value can be more than text."""
    from identity.ldap import connection

    return connection.equals(attribute, value)


def plain_dn(dn: str) -> str:
    """Return a DN in the form in which two of the same compare equal, whatever their case and spaces."""
    from identity.ldap import connection

    return connection.plain_dn(dn)
