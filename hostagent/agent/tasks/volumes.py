"""The verbs of volumes: each asks the backend that its body names."""

from hostagent.agent.job import Job
from hostagent.agent.tasks import disks
from hostagent.agent.tasks.served import Served
from hostagent.contract.server import SnapshotSent
from hostagent.contract.volume import (
    Exported,
    ExportEnsure,
    OfSnapshot,
    OfVolume,
    VolumeEnsure,
    VolumeResize,
    VolumeSend,
)


def ensure(host: Served, body: VolumeEnsure, job: Job) -> None:
    host.backend(body["backend"]).ensure(body, job)


def remove(host: Served, body: OfVolume, job: Job) -> None:
    host.backend(body["backend"]).remove(body["volume_id"], job)


def resize(host: Served, body: VolumeResize, job: Job) -> None:
    host.backend(body["backend"]).ensure_size(body["volume_id"], int(body["size_gib"]), job)


def ensure_snapshot(host: Served, body: OfSnapshot, job: Job) -> None:
    host.backend(body["backend"]).ensure_snapshot(body["volume_id"], body["snapshot_id"], job)


def remove_snapshot(host: Served, body: OfSnapshot, job: Job) -> None:
    host.backend(body["backend"]).remove_snapshot(body["volume_id"], body["snapshot_id"], job)


def restore_snapshot(host: Served, body: OfSnapshot, job: Job) -> None:
    host.backend(body["backend"]).revert(body["volume_id"], body["snapshot_id"], job)


def ensure_export(host: Served, body: ExportEnsure, job: Job) -> Exported:
    return host.backend(body["backend"]).ensure_export(body, job)


def remove_export(host: Served, body: OfVolume, job: Job) -> None:
    """Also of a volume of which control knows no backend any more."""
    if body["backend"] not in host.backends:
        host.exports.remove(body["volume_id"])
        return
    host.backend(body["backend"]).remove_export(body["volume_id"], job)


def send(host: Served, body: VolumeSend, job: Job) -> SnapshotSent:
    """Copy the volume into a file of its own, then send that to control."""
    copy, virtual_size = host.backend(body["backend"]).copy_out(body["volume_id"], body["disk_format"], job)
    return disks.send(host, copy, virtual_size, body["image_id"], body["upload_path"])
