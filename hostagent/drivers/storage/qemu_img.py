"""qemu-img and the like, run as the guest whose file they touch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NotRequired, TypedDict

from hostagent.agent.job import ChildError, Job
from hostagent.contract.failures import Failure
from hostagent.contract.image import ImageSource

#: Glance's names → QEMU's. Others are the same in both.
FORMATS: Final = {"iso": "raw", "ami": "raw", "ari": "raw", "aki": "raw", "vhd": "vpc"}
#: Formats that QEMU reads and libvirt does not (it would open them as raw): such an image is kept as qcow2.
CONVERTED: Final = frozenset({"vhdx"})

#: What `qemu-img info` says of a file, as far as it is asked here.
Info = TypedDict(
    "Info",
    {
        "virtual-size": int,
        "filename": str,
        "backing-filename": NotRequired[str],
        "format-specific": NotRequired[dict[str, dict[str, object]]],
    },
)


def own_format(image: ImageSource) -> str:
    """QEMU's name for the format in which an image comes."""
    return FORMATS.get(image["disk_format"], image["disk_format"])


def kept_format(image: ImageSource) -> str:
    """QEMU's name for the format in which an image lies in the cache."""
    return "qcow2" if image["disk_format"] in CONVERTED else own_format(image)


def run(job: Job, argv: Sequence[str], *, of: Path) -> bytes:
    """Run a tool as the guest whose file `of` is; an image is nobody's, and read as the user of all guests.

    Raises: Failure no_space, hypervisor_refused, timed_out.
    """
    try:
        return job.run(argv, uid=of.lstat().st_uid or None)
    except ChildError as error:
        if "No space left" in error.text:
            raise Failure("no_space", path=argv[-1], need=0, have=0) from error
        raise Failure("hypervisor_refused", detail=str(error)) from error


def call(job: Job, *argv: str, of: Path) -> bytes:
    """Run qemu-img. Raises: Failure no_space, hypervisor_refused, timed_out."""
    return run(job, ["qemu-img", *argv], of=of)


def info(path: Path, fmt: str, job: Job) -> Info:
    """Describe a file, also one that a guest has open. Raises: as call()."""
    found: Info = json.loads(call(job, "info", "-U", "--output=json", "-f", fmt, str(path), of=path))
    return found


def chain(path: Path, job: Job) -> list[Info]:
    """Describe a qcow2 file and all that it rests on. Raises: as call()."""
    argv = ("info", "-U", "--output=json", "--backing-chain", "-f", "qcow2", str(path))
    found: list[Info] = json.loads(call(job, *argv, of=path))
    return found
