"""What needs no running cloud: one member of a group on an agent, one port of a network in control, samples, the palette."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from bench.cloud import CLONE
from bench.result import at_most


def _said(module: str, *, namespace: bool = False, **more: str) -> Any:
    """What a module of the benchmark prints, run in a process of its own with a folder of its own."""
    folder = tempfile.mkdtemp(prefix="stackling-bench-")
    environment = {**os.environ, "STACKLING_DATA": folder, "STACKLING_SECRET_KEY": "x", "DATABASE_URL": "", **more}
    apart = ["unshare", "-n"] if namespace else []
    try:
        done = subprocess.run(
            [*apart, sys.executable, "-m", module],
            cwd=CLONE,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return json.loads(done.stdout.splitlines()[-1])


def group_member() -> None:
    """A security group with 10,000 members: one more, on the agent, nft's own work included."""
    said = _said("bench.group_member", namespace=True)
    at_most("group.member", said["cpu_ms"], 50, "ms CPU", members=said["members"])


def one_port() -> None:
    """One port more on a network of 1,000 ports over 50 hosts: all orders together, and rendering them."""
    said = _said("bench.one_port", DJANGO_SETTINGS_MODULE="cloud.settings")
    at_most("port.orders", said["bytes"] / 1000, 100, "kB", cpu_ms=said["cpu_ms"], hosts=said["hosts"])


def telemetry() -> None:
    """Samples of 1,000 guests with a port each, every 10 s: what they cost, how large the file is for ever, a chart's data."""
    said = _said("bench.telemetry", DJANGO_SETTINGS_MODULE="cloud.settings")
    at_most("telemetry.samples", said["share"], 3, "% of a core", guests=1000)
    at_most("telemetry.file", said["bytes_each"] * 1000 / 1e9, 3, "GB", guests=1000)
    at_most("telemetry.file.grows", said["grows"], 1, "% in 20 days, 20 days after all tiers were full")
    at_most("telemetry.chart", max(said[span] for span in ("1h", "24h", "7d", "30d")), 20, "ms CPU")
    at_most("telemetry.sparks", said["sparks_ms"], 20, "ms CPU", rows=50)


def palette() -> None:
    """An answer of the palette with 100,000 objects: the slowest text of an operator, and of a project with a fifth of them."""
    said = _said("bench.palette", DJANGO_SETTINGS_MODULE="cloud.settings")
    for name, who in (("admin", "operator"), ("demo", "project")):
        slowest = max(said[name], key=said[name].__getitem__)
        at_most(f"palette.{who}", said[name][slowest], 50, "ms CPU", text=slowest, objects=said["objects"])


ALONE = {"group_member": group_member, "one_port": one_port, "telemetry": telemetry, "palette": palette}
