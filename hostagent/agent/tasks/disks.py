"""Disks that leave their host: a snapshot of a root disk, a copy of a volume."""

import hashlib
from pathlib import Path

from hostagent.agent.control_link import ControlError
from hostagent.agent.job import Job
from hostagent.agent.tasks.served import Served
from hostagent.contract.failures import Failure
from hostagent.contract.server import OfServer, ServerSnapshot, SnapshotSent


def remove(host: Served, body: OfServer, job: Job) -> None:
    """Remove a server's disks, then what else is kept of it."""
    host.storage.remove_disk(body["server_id"])
    host.files.remove(body["server_id"])


def snapshot(host: Served, body: ServerSnapshot, job: Job) -> SnapshotSent:
    """Copy the root disk flat, then send it to control."""
    copy, virtual_size = host.hypervisor.snapshot(body["server_id"], body["image_id"], job)
    return send(host, copy, virtual_size, body["image_id"], body["upload_path"])


def send(host: Served, copy: Path, virtual_size: int, image_id: str, upload_path: str) -> SnapshotSent:
    """Send a file to control as an image, and remove it. Raises: Failure image_unreachable."""
    try:
        answer = SnapshotSent(size=copy.stat().st_size, checksum=_checksum(copy), virtual_size=virtual_size)
        host.link.upload(upload_path, copy, answer["checksum"])
    except ControlError as error:
        raise Failure("image_unreachable", image_id=image_id, detail=str(error)) from error
    finally:
        copy.unlink(missing_ok=True)
    return answer


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
