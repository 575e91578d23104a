"""`virsh define` and `virsh start` of a domain as libvirt has it, under another name: what a boot costs without a cloud."""

import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from bench.cloud import CLONE, Running


def _words(cloud: Running, *words: str) -> list[str]:
    """virsh where the first host's libvirtd is."""
    host = cloud.ready["hosts"][0]
    inside = [
        sys.executable,
        "-m",
        "hostagent.machine.namespaces",
        "enter",
        host,
        "--",
        "virsh",
        "-c",
        "qemu:///system",
        *words,
    ]
    return ["sudo", "--preserve-env", *inside] if os.geteuid() else inside


def _virsh(cloud: Running, *words: str) -> str:
    """What virsh prints. Raises: RuntimeError with what it says."""
    command = _words(cloud, *words)
    done = subprocess.run(command, cwd=CLONE, env=cloud.environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"virsh {words[0]} said: {done.stderr.strip()}")
    return done.stdout


def define_and_start(cloud: Running, name: str) -> float:
    """Seconds of define and start of a copy of the stopped domain `name`, on its own disks and taps; the copy is removed."""
    xml = _virsh(cloud, "dumpxml", "--inactive", name)
    other = str(uuid.uuid4())  # in its SMBIOS table too; paths keep the server's id
    xml = re.sub(r"(<uuid>|<entry name='uuid'>)[0-9a-f-]{36}<", rf"\g<1>{other}<", xml)
    xml = xml.replace(f"<name>{name}</name>", "<name>plain</name>")
    with tempfile.NamedTemporaryFile("w", suffix=".xml", dir=cloud.data, delete=False) as file:
        file.write(xml)
    try:
        began = time.perf_counter()
        _virsh(cloud, "define", file.name)
        _virsh(cloud, "start", "plain")
        return time.perf_counter() - began
    finally:
        Path(file.name).unlink()
        for verb in ("destroy", "undefine"):
            subprocess.run(_words(cloud, verb, "plain"), cwd=CLONE, env=cloud.environment, capture_output=True)
