"""How the server's host reaches a volume: by a backend of its own, or by what another host gives out to it alone, with a password."""

import secrets
from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict
from hostagent.contract.capabilities import DISK_ISCSI, VOLUME_EXPORT, of_host
from hostagent.contract.location import NetworkAuth, NetworkLocation, VolumeSource
from hostagent.contract.volume import Exported
from hosts import drivers
from hosts.models import Host
from keystore import encryption
from volumes.attachments.models import Attachment
from volumes.backends.models import Backend
from volumes.volumes.models import Volume


class VolumeElsewhere(Conflict):
    template = _(
        "Volume %(id)s lies on host %(host)s and the instance on host %(other)s; the backend %(backend)s gives its volumes to its own host alone."
    )


class NoWayThere(Conflict):
    template = _(
        "Volume %(id)s lies on host %(host)s and the instance on host %(other)s, and %(lacking)s has told no address for other hosts. Set STACKLING_UNDERLAY_IP there."
    )


class CannotOpen(Conflict):
    template = _(
        "Volume %(id)s lies on host %(host)s, and host %(other)s of the instance opens no disks of other hosts (%(driver)s). Update its agent, or launch on another host."
    )


#: Characters of a CHAP password: RFC 7143, 12.1.3 asks for 96 bits, and some initiators take 16 and no more.
PASSWORD: Final = 16


def require_way(volume: Volume, host: str) -> None:
    """Raises: VolumeElsewhere, NoWayThere, CannotOpen where no server of this host can have the volume."""
    if not _may_be_given_out(volume):
        raise VolumeElsewhere(id=volume.id, host=volume.host, other=host, backend=volume.backend)
    addresses = _addresses(volume.host, host)
    for name in (volume.host, host):
        if not addresses.get(name):
            raise NoWayThere(id=volume.id, host=volume.host, other=host, lacking=name)
    if driver := drivers.of(host).lacking(DISK_ISCSI):
        raise CannotOpen(id=volume.id, host=volume.host, other=host, driver=driver)


def hosts_reaching(volume: Volume) -> frozenset[str]:
    """Name the hosts whose servers can have a volume."""
    if not _may_be_given_out(volume) or not _addresses(volume.host).get(volume.host):
        return frozenset({volume.host})
    rows = Host.objects.exclude(underlay_ip="").values_list("name", "driver_instances")
    return frozenset({volume.host, *(name for name, instances in rows if DISK_ISCSI.name in of_host(instances))})


def _may_be_given_out(volume: Volume) -> bool:
    """Whether its backend gives volumes to other hosts."""
    backend = Backend.objects.filter(host=volume.host, name=volume.backend).first()
    return backend is not None and VOLUME_EXPORT.name in backend.capabilities


def _addresses(*names: str) -> dict[str, str]:
    """Host → its address for other hosts, as it told it."""
    return dict(Host.objects.filter(name__in=names).values_list("name", "underlay_ip"))


def make_password(attachment: Attachment) -> None:
    """Make the password with which the server's host opens the volume that another one gives out."""
    password = secrets.token_urlsafe(PASSWORD)[:PASSWORD]
    attachment.encrypted_password = encryption.encrypt(password, place(attachment.id))
    attachment.save(update_fields=["encrypted_password"])


def place(attachment_id: str) -> encryption.Place:
    """Name the place of an attachment's encrypted password."""
    return encryption.Place("volumes.Attachment", "encrypted_password", attachment_id)


def export_of(attachment: Attachment) -> dict[str, Any]:
    """Build what the volume's host is told of the server's (hostagent.contract.volume.ExportEnsure)."""
    return {
        "backend": attachment.volume.backend,
        "attachment_id": attachment.id,
        "username": _username(attachment),
        "password": encryption.decrypt(attachment.encrypted_password, place(attachment.id)),
        "clients": [_addresses(attachment.host)[attachment.host]],
    }


def _username(attachment: Attachment) -> str:
    return attachment.id.replace("-", "")


def note_export(attachment: Attachment, answer: dict[str, Any]) -> None:
    """Note where the volume's host gives it out."""
    attachment.export = {key: answer[key] for key in Exported.__annotations__}
    attachment.save(update_fields=["export"])


def source(attachment: Attachment) -> VolumeSource | NetworkLocation:
    """Build how the server's host is told where the volume is: by its backend there, or by the target of another host."""
    volume = attachment.volume
    if not attachment.is_far:
        return VolumeSource(kind="volume", backend=volume.backend, volume_id=volume.id)
    export = attachment.export
    return NetworkLocation(
        kind="network",
        protocol="iscsi",
        name=f"{export['target']}/1",
        hosts=[{"name": export["address"], "port": export["port"]}],
        auth=NetworkAuth(username=_username(attachment), type="iscsi", secret=attachment.id),
    )


def secrets_of(attachments: Iterable[Attachment]) -> dict[str, str]:
    """Read the passwords of volumes that other hosts give out: attachment id → password."""
    return {one.id: encryption.decrypt(one.encrypted_password, place(one.id)) for one in attachments if one.is_far}
