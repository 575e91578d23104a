"""Troubles of telemetry: hosts that are up and send no samples, and a file that is full before its time."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from common import troubles
from common.clock import now
from common.troubles import Trouble
from common.units import human_bytes
from hosts.models import Host
from hosts.states import HostState
from telemetry.samples import keeping, store

SILENT: Final = 120.0  # seconds without a sample after which a host that is up should have sent one


def register() -> None:
    troubles.register(_silent)
    troubles.register(_full)


def _silent() -> list[Trouble]:
    """Hosts that are heard, but not their samples."""
    link = store.connection()
    if link is None:
        return []
    since = now() - timedelta(seconds=SILENT)
    heard = dict(link.execute("SELECT host, max(at) FROM reports GROUP BY host"))
    text = _(
        "Host %(host)s is up and sends no samples: its charts have a hole. Where its agent is older than this version, update it;"
        " else its log says why."
    )
    return [
        Trouble("telemetry", host.name, text % {"host": host.name}, host=host.name)
        for host in Host.objects.filter(state=HostState.UP, booted_at__lt=since).order_by("name")
        if heard.get(host.name, 0) < since.timestamp()
    ]


def _full() -> list[Trouble]:
    link = store.connection()
    if link is None or store.size(link) <= keeping.FULL * settings.TELEMETRY_BYTES:
        return []
    text = _(
        "The file of samples has %(size)s of at most %(most)s: the oldest samples go before their time. Raise"
        " STACKLING_TELEMETRY_BYTES and start anew, or leave it so."
    )
    said = text % {"size": human_bytes(store.size(link)), "most": human_bytes(settings.TELEMETRY_BYTES)}
    return [Trouble("telemetry", store.NAME, said)]
