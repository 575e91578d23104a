"""What a host has of volumes and rows do not say, and the other way round. The kind "volume" of the registry in hosts/reconciliation.py."""

from django.utils.translation import gettext as _

from hostagent.contract.host import HostFound
from hostagent.contract.volume import EXPORT_REMOVE
from hosts import debts
from hosts.reconciliation import Done, Finding, Kind
from operations.models import LIVE, Hold, Operation
from volumes.attachments import states as attached
from volumes.attachments.models import Attachment
from volumes.volumes import states
from volumes.volumes.models import Volume


def inspect(host: str, found: HostFound) -> list[Finding]:
    """Find volumes without a row, rows without a volume, volumes that are given out to nobody or are not and should be. Changes nothing."""
    if "volumes" not in found:  # an agent of before there were volumes
        return []
    here = {(backend, id) for backend, ids in found["volumes"].items() for id in ids}
    told = Volume.objects.filter(host=host).values_list("backend", "id", "status")
    rows = {(backend, id): status for backend, id, status in told.iterator()}
    out = [
        Finding(host, "volume", id, _("No row places this volume here: backend %(backend)s.") % {"backend": backend})
        for backend, id in sorted(here - rows.keys())
    ]
    whole = {place for place, status in rows.items() if states.is_whole(status)}
    for _backend, id in sorted(whole - here):
        if not is_busy(id):
            out.append(Finding(host, "volume", id, _("The files of this volume are missing.")))
    for id in strays(host, found):
        out.append(Finding(host, "export", id, _("It is given out to another host, and no instance has it there.")))
    far = Attachment.objects.filter(volume__host=host, status=attached.ATTACHED).exclude(encrypted_password="")
    for id in far.order_by("id").values_list("volume_id", flat=True):
        if id not in found.get("exports", {}) and not is_busy(id):
            out.append(Finding(host, "export", id, _("An instance of another host has it, and it is not given out.")))
    return out


def strays(host: str, found: HostFound) -> list[str]:
    """List the volumes that a host gives out for an attachment that is no more."""
    known = set(Attachment.objects.filter(volume__host=host).values_list("volume_id", "id"))
    given = sorted(found.get("exports", {}).items())
    return [id for id, attachment in given if (id, attachment) not in known and not is_busy(id)]


def is_busy(volume_id: str) -> bool:
    """Whether something is under way with a volume, so that its host may have more or less than the rows say."""
    held = Hold.objects.filter(key__startswith=f"volume:{volume_id}").exists()
    return held or Operation.objects.filter(subject_kind="volume", subject_id=volume_id, state__in=LIVE).exists()


def reconcile(host: str, found: HostFound, allowed: bool) -> Done:
    """Have a host close what it gives out to nobody. Volumes without a row stay: nothing is destroyed on a suspicion."""
    closed = strays(host, found)
    rows = Volume.objects.in_bulk(closed)
    for id in closed:
        volume = rows.get(id)
        body = {"volume_id": id, "backend": volume.backend if volume else ""}
        generation = volume.generation if volume else 0
        debts.owe(host, EXPORT_REMOVE.name, id, body, subject=f"volume:{id}", generation=generation)
    return {"closed": closed}


KIND = Kind("volume", inspect=inspect, reconcile=reconcile)
