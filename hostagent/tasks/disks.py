"""The verbs of root disks, and the snapshot, which is a disk that leaves the host."""

import hashlib
from pathlib import Path
from typing import Any, cast

from hostagent.contract import DiskEnsure, Failure
from hostagent.control_link import ControlError
from hostagent.host import Host
from hostagent.job import Job


def ensure(host: Host, job: Job) -> dict[str, Any]:
    return {**host.storage.ensure_disk(cast(DiskEnsure, job.body), job), "seconds": job.seconds}


def remove(host: Host, job: Job) -> dict[str, Any]:
    host.storage.remove_disk(job.body["server_id"])
    return {"seconds": job.seconds}


def resize(host: Host, job: Job) -> dict[str, Any]:
    host.storage.ensure_size(job.body["server_id"], int(job.body["size_gib"]), job)
    return {"seconds": job.seconds}


def snapshot(host: Host, job: Job) -> dict[str, Any]:
    """Copy the root disk flat, then send it to control."""
    copy, virtual_size = host.hypervisor.snapshot(job.body["server_id"], job.body["image_id"], job)
    try:
        answer = {"size": copy.stat().st_size, "checksum": _checksum(copy), "virtual_size": virtual_size}
        host.link.upload(job.body["upload_path"], copy, str(answer["checksum"]))
    except ControlError as error:
        raise Failure("image_unreachable", image_id=job.body["image_id"], detail=str(error)) from error
    finally:
        copy.unlink(missing_ok=True)
    return {**answer, "seconds": job.seconds}


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
