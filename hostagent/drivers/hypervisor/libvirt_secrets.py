"""Passwords of disks that other hosts give out: secrets of libvirt's, each kept as long as a domain has the disk.

A domain that starts again without control, after a restart of its host, finds them. Source: https://libvirt.org/formatsecret.html.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import libvirt
from lxml import etree

from hostagent.drivers.hypervisor.libvirt_types import Connection, E


def keep(connection: Connection, secrets: Mapping[str, str]) -> None:
    """Keep secrets: id → what it is."""
    for id, value in secrets.items():
        usage = E.usage(E.target(id), type="iscsi")
        secret = E.secret(E.uuid(id), usage, ephemeral="no", private="yes")
        connection.secretDefineXML(etree.tostring(secret, encoding="unicode")).setValue(value.encode())


def forget(connection: Connection, ids: Iterable[str]) -> None:
    """Forget secrets. Absent is success."""
    for id in ids:
        with suppress(libvirt.libvirtError):
            connection.secretLookupByUUIDString(id).undefine()


def named_in(xml: str) -> list[str]:
    """List the ids of secrets that the disks of a domain name."""
    return [str(secret.get("uuid")) for secret in etree.fromstring(xml.encode()).iterfind("devices/disk//auth/secret")]
