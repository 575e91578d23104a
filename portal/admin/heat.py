"""How hot each host is: a map of all hosts by zone, coloured by one of the things they have."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.create import scheduling
from hosts import states
from hosts.models import Host
from placement import services as placement
from portal.admin.hosts import state_of
from portal.load.charts import named, share
from portal.ui import Text
from telemetry import services as telemetry
from telemetry.meters import HOST
from telemetry.samples.packing import NOTHING

#: What the map may show.
MEASURES: Final[dict[str, Text]] = {
    "cpu": gettext_lazy("CPU used"),
    "memory": gettext_lazy("Memory used"),
    "disk": gettext_lazy("Disk used"),
    "promised": gettext_lazy("Memory promised"),
}
#: Of percent: from each on the next colour.
COLOURS: Final = ((80, "h5c"), (60, "h4c"), (40, "h3c"), (20, "h2c"))


@dataclass(frozen=True)
class Spot:
    """One host: `shown` is its percent, or why there is none; `css` its colour."""

    host: str
    shown: Text
    css: str
    title: str


@dataclass(frozen=True)
class Zone:
    name: str
    spots: list[Spot]


def used_by_hosts(actor: RequestContext, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Read the percent of CPU, memory and disk that each host uses now; empty where samples cannot be read."""
    try:
        found = telemetry.of_hosts(actor, names)
    except telemetry.SamplesUnavailable:
        return {}
    shares = {}
    for name, points in found.items():
        last = next((row for row in reversed(points.rows) if row is not None), None)
        if last is not None:
            values = named(HOST, last.means)
            shares[name] = {
                "cpu": share(values["cpu"] / 1e9, values["cpus"]),
                "memory": share(values["memory.usage"], values["memory"]),
                "disk": share(values["disk.usage"], values["disk"]),
            }
    return shares


def of_hosts(actor: RequestContext, measure: str) -> list[Zone]:
    """Build the map by one of MEASURES: the zones by name, the hosts in each by name."""
    hosts = list(Host.objects.order_by("name"))
    names = [host.name for host in hosts]
    zones = scheduling.zone_names(names)
    shares = _promised(names) if measure == "promised" else used_by_hosts(actor, names)
    ordered = sorted(hosts, key=lambda host: (zones[host.name], host.name))
    return [
        Zone(zone, [_spot(host, shares.get(host.name, {}).get(measure, NOTHING)) for host in group])
        for zone, group in groupby(ordered, key=lambda host: zones[host.name])
    ]


def _promised(names: list[str]) -> dict[str, dict[str, float]]:
    found = placement.summaries(names)
    return {
        name: {"promised": share(one.used.get("MEMORY_MB", 0), one.capacity.get("MEMORY_MB", 0))}
        for name, one in found.items()
    }


def _spot(host: Host, percent: float) -> Spot:
    status = state_of(host)
    title = f"{host.name}: {status.word}"
    if not states.is_up(host.state) or host.forced_down:
        return Spot(host.name, status.word, "hx", title)
    if math.isnan(percent):
        return Spot(host.name, "–", "hoff", _("%(name)s: nothing is known now") % {"name": host.name})
    colour = next((css for least, css in COLOURS if percent >= least), "")
    return Spot(host.name, _("%(number)s %%") % {"number": f"{percent:.0f}"}, colour if host.enabled else "hoff", title)
