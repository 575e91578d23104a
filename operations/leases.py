"""Which process does what only one may do, and whether a process that said so still runs."""

import os
import socket
from datetime import timedelta
from typing import Final

from django.db import transaction

from common.clock import now
from operations.models import Lease

#: The lease of the clock (operations.periodic), under the name that versions side by side know.
CLOCK: Final = "beat"
ME = f"{socket.gethostname()[:40]}:{os.getpid()}"


def hold_lease(name: str, *, seconds: float) -> bool:
    """Whether this process has, or now takes, the lease `name`."""
    moment = now()
    row = Lease.objects.filter(name=name).first()
    if row is not None and row.holder == ME and row.until > moment + timedelta(seconds=seconds / 2):
        return True
    with transaction.atomic():
        row, _ = Lease.objects.select_for_update().get_or_create(
            name=name, defaults={"holder": ME, "until": moment + timedelta(seconds=seconds)}
        )
        gone = row.until < moment or not is_alive(row.holder)
        if row.holder != ME and not gone:
            return False
        row.holder, row.until = ME, moment + timedelta(seconds=seconds)
        row.save()
    return True


def is_alive(holder: str) -> bool:
    """Whether a process ``<host>:<pid>`` may still run. Only one of this machine can be known to be gone."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname()[:40]:
        return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
