"""Faults on purpose, for tests only: STACKLING_FAULT=<flow>.<step>:fail|hang|kill[:once].

``server.boot.claim_host:fail`` makes that step fail; ``hang`` keeps it waiting until its deadline; ``kill`` ends the
control process as SIGKILL would. With ``:once`` a mark in STACKLING_DATA/faults remembers that it was injected.
``STACKLING_FAULT=@<path>`` has the fault read from a file each time, so that a running cloud can be given another.
"""

import os
import signal
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common import errors
from operations.models import Operation, OperationStep


class FaultOnPurpose(errors.CloudError):
    template = _("A test made the step %(step)s fail.")


class Hung(Exception):
    """Raised instead of running a step; the engine tries it again later."""


def inject(row: Operation, step: OperationStep) -> None:
    """Inject the fault that STACKLING_FAULT names for this step, if it names one."""
    text = _given(settings.FAULT) if settings.FAULT else ""
    where, _, how = text.partition(":")
    kind, _, once = how.partition(":")
    if where != f"{row.flow}.{step.name}" or step.phase != "do":
        return
    if once and not _first(where, kind):
        return
    if kind == "fail":
        raise FaultOnPurpose(step=step.name)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise Hung(step.name)


def _given(text: str) -> str:
    """The fault itself, where the setting names a file. No file: no fault."""
    if not text.startswith("@"):
        return text
    path = Path(text[1:])
    return path.read_text().strip() if path.exists() else ""


def _first(where: str, kind: str) -> bool:
    mark = Path(settings.DATA) / "cache" / "faults" / f"{where}.{kind}"
    mark.parent.mkdir(parents=True, exist_ok=True)
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
