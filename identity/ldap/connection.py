"""The connection to a directory: binds and searches with short waits. The one place that loads ldap3."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import ldap3
from django.utils.translation import gettext_lazy as _
from ldap3.core.exceptions import (
    LDAPBindError,
    LDAPCommunicationError,
    LDAPException,
    LDAPInvalidCredentialsResult,
    LDAPInvalidDnError,
    LDAPNoSuchObjectResult,
)
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from identity.ldap.entries import DirectoryDown, Entry
from identity.ldap.options import Config

log = logging.getLogger(__name__)

#: Seconds to wait for a connection, and for an answer.
CONNECT, ANSWER = 3, 5
PAGE = 500
#: After a wait of more than SLOW seconds for nothing, nobody waits anew for QUIET seconds.
SLOW, QUIET = 1.0, 5.0
_silent: dict[tuple[str, str], tuple[float, str]] = {}


class Directory:
    """One bound connection; made by `connected`."""

    def __init__(self, config: Config, connection: ldap3.Connection) -> None:
        self.config, self._connection = config, connection

    def search(self, entity: str, condition: str = "", *, attributes: tuple[str, ...] = ()) -> list[Entry]:
        """List the users or groups that fit an escaped LDAP filter. Raises: LDAPException."""
        config = self.config
        id_attribute = config.attribute(entity, "id") or "cn"
        parts = [condition, config[f"{entity}_filter"] or "", f"(objectClass={config[f'{entity}_objectclass']})"]
        scope = ldap3.SUBTREE if config["query_scope"] == "sub" else ldap3.LEVEL
        wanted = [id_attribute, *attributes]
        found = self._pages(config.tree(entity), f"(&{''.join(parts)}({id_attribute}=*))", scope, wanted)
        return [entry for raw in found if (entry := _entry(raw, id_attribute)) is not None]

    def _pages(self, base: str, condition: str, scope: object, wanted: list[str]) -> Iterator[dict[str, object]]:
        size = int(self.config["page_size"] or 0) or PAGE
        how = {"paged_size": size, "generator": True}
        paged = self._connection.extend.standard.paged_search(base, condition, scope, attributes=wanted, **how)
        try:
            yield from (raw for raw in paged if raw["type"] == "searchResEntry")
        except LDAPNoSuchObjectResult:  # the tree is not there: nobody is in it, as Keystone has it
            return

    def has(self, dn: str, condition: str) -> bool:
        """Whether the entry at `dn` is there and fits an escaped filter. Raises: LDAPException."""
        try:
            return bool(self._connection.search(dn, condition, ldap3.BASE, attributes=["1.1"])) and bool(
                self._connection.response
            )
        except LDAPNoSuchObjectResult:
            return False


def _entry(raw: dict[str, Any], id_attribute: str) -> Entry | None:
    values = {
        str(name).lower(): [_text(str(name), one) for one in found] for name, found in raw["raw_attributes"].items()
    }
    ids = values.get(id_attribute.lower(), [])
    if len(ids) != 1:  # as Keystone: several values are no id; then the name in the DN is
        rdn = parse_dn(raw["dn"])[0]
        ids = [rdn[1]] if rdn[0].lower() == id_attribute.lower() else ids[:1]
    return Entry(raw["dn"], ids[0], values) if ids and ids[0] else None


def _text(name: str, value: bytes) -> str:
    if name.lower() == "objectguid" and len(value) == 16:
        return str(UUID(bytes_le=value))
    return value.decode("utf-8", "replace")


def equals(attribute: str, value: str) -> str:
    """Return a filter (attribute=value) in which nothing of the value can be more than text."""
    if attribute.lower() == "objectguid":
        try:
            return f"({attribute}={escape_filter_chars(UUID(value).bytes_le)})"
        except ValueError:
            return f"({attribute}=\\00)"
    return f"({attribute}={escape_filter_chars(value)})"


def plain_dn(dn: str) -> str:
    """Return a DN in the form in which two of the same compare equal, whatever their case and spaces."""
    try:
        return ",".join(f"{name.strip()}={value.strip()}".lower() for name, value, _sep in parse_dn(dn, strip=True))
    except LDAPInvalidDnError:
        return dn.lower()


def _open(config: Config, dn: str | None, password: str | None) -> ldap3.Connection:
    """A bound connection to the first server that can be reached. Raises: LDAPException, DirectoryDown."""
    silent = _silent.get((config.domain_id, config["url"]))
    if silent is not None and time.monotonic() - silent[0] < QUIET:
        raise DirectoryDown(domain=config.domain_id, reason=silent[1])
    *others, last = config.urls
    began = time.monotonic()
    try:
        for url in others:
            try:
                return _open_at(config, url, dn, password)
            except LDAPCommunicationError as error:
                log.warning("the directory server %s of domain %s does not answer: %s", url, config.domain_id, error)
        return _open_at(config, last, dn, password)
    except LDAPCommunicationError as error:
        if time.monotonic() - began > SLOW:
            _silent[(config.domain_id, config["url"])] = (time.monotonic(), _words(error))
        raise


def _open_at(config: Config, url: str, dn: str | None, password: str | None) -> ldap3.Connection:
    tls = ldap3.Tls(
        validate=config.certificates,
        ca_certs_file=config["tls_cacertfile"] or None,
        ca_certs_path=config["tls_cacertdir"] or None,
    )
    connection = ldap3.Connection(
        ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=CONNECT),
        user=dn,
        password=password,
        authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
        read_only=True,
        auto_referrals=bool(config["chase_referrals"]),
        receive_timeout=ANSWER,
        raise_exceptions=True,
    )
    try:
        if config["use_tls"]:
            connection.start_tls()
        connection.bind()
    except BaseException:
        connection.unbind()
        raise
    return connection


@contextmanager
def connected(config: Config) -> Iterator[Directory]:
    """Connect to the directory, bound as the configuration says. Raises: BadOption, DirectoryDown."""
    try:
        connection = _open(config, config["user"], config.password)
        try:
            yield Directory(config, connection)
        finally:
            connection.unbind()
    except (LDAPException, OSError) as error:
        raise _down(config, error) from None


def accepts(config: Config, dn: str, password: str) -> bool:
    """Whether the directory takes this password of an entry. Raises: BadOption, DirectoryDown."""
    if not password:  # a bind without one is anonymous and succeeds
        return False
    try:
        _open(config, dn, password).unbind()
    except (LDAPInvalidCredentialsResult, LDAPBindError):
        return False
    except (LDAPException, OSError) as error:
        if _code(error) in REFUSED:
            return False
        raise _down(config, error) from None
    return True


#: Answers to a bind that speak of the user, not of the directory: inappropriateAuthentication, invalidCredentials,
#: insufficientAccessRights, unwillingToPerform (an expired or locked account).
REFUSED = (48, 49, 50, 53)


def _code(error: Exception) -> int | None:
    return getattr(error, "result", None)


def _words(error: Exception) -> str:
    """ldap3 nests tuples in its texts."""
    return str(error).strip("()'\", .")[:200] or type(error).__name__


def _down(config: Config, error: Exception) -> DirectoryDown:
    reason = {49: _("it refuses the account that ldap.user and ldap.password name")}.get(_code(error) or 0)
    text = reason or _words(error)
    log.warning("the directory of domain %s cannot be asked: %s", config.domain_id, text)
    return DirectoryDown(domain=config.domain_id, reason=text)
