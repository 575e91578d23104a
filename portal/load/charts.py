"""Which charts each kind of thing has, and their points as a page's script draws them (static/js/load.js)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.units import human_bytes, human_mib, three_digits
from telemetry.meters import Kind
from telemetry.samples.packing import NOTHING
from telemetry.samples.reading import Points

Values = Mapping[str, float]  # meter → what was used of it
Text = object


@dataclass(frozen=True)
class Line:
    """`read` makes the number that is drawn out of the meters' values."""

    label: Text
    read: Callable[[Values], float]


@dataclass(frozen=True)
class Chart:
    """One or two lines over time, the first in the foreground. `unit` is a key of UNITS; `top` what the axis reaches at least."""

    name: str
    title: Text
    unit: str
    lines: tuple[Line, ...]
    top: float = 0
    of: str = ""  # after the number: of how much

    @property
    def legend(self) -> Sequence[Text]:
        """List the lines' names, where there are two."""
        return [line.label for line in self.lines] if len(self.lines) > 1 else []


def percent(value: float) -> str:
    return _("%(number)s %%") % {"number": three_digits(value)}


def bits(value: float) -> str:
    """Write bytes a second as bits a second, with a decimal unit."""
    value *= 8
    for unit in ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"):
        if value < 1000 or unit == "Gbit/s":
            return f"{three_digits(value)} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


UNITS: Final[dict[str, Callable[[float], str]]] = {
    "percent": percent,
    "mib": human_mib,
    "bytes": lambda value: f"{human_bytes(value)}/s",
    "bits": bits,
    "packets": lambda value: _("%(number)s/s") % {"number": three_digits(value)},
}


def _meter(name: str) -> Callable[[Values], float]:
    return lambda values: values[name]


_NETWORK: Final = Chart(
    "network",
    gettext_lazy("Network"),
    "bits",
    (
        Line(gettext_lazy("incoming"), _meter("network.incoming.bytes")),
        Line(gettext_lazy("outgoing"), _meter("network.outgoing.bytes")),
    ),
    top=125,
)
_DISK: Final = Chart(
    "disk",
    gettext_lazy("Disk"),
    "bytes",
    (
        Line(gettext_lazy("written"), _meter("disk.write.bytes")),
        Line(gettext_lazy("read"), _meter("disk.read.bytes")),
    ),
    top=10 * 1024,
)
OF_PORT: Final = (
    _NETWORK,
    Chart(
        "packets",
        gettext_lazy("Packets"),
        "packets",
        (
            Line(gettext_lazy("incoming"), _meter("network.incoming.packets")),
            Line(gettext_lazy("outgoing"), _meter("network.outgoing.packets")),
        ),
        top=10,
    ),
    Chart(
        "drops",
        gettext_lazy("Dropped packets"),
        "packets",
        (
            Line(gettext_lazy("incoming"), _meter("network.incoming.packets.drop")),
            Line(gettext_lazy("outgoing"), _meter("network.outgoing.packets.drop")),
        ),
        top=1,
    ),
)


def share(part: float, whole: float) -> float:
    """Work out percent; NaN where either is not known."""
    return 100 * part / whole if whole > 0 else NOTHING


def of_server(vcpus: int, ram_mib: int) -> tuple[Chart, ...]:
    """List the charts of an instance of that size."""
    cpu = Line("", lambda values: share(values["cpu"] / 1e9, vcpus))
    memory = Line("", _meter("memory.usage"))
    return (
        Chart("cpu", gettext_lazy("CPU"), "percent", (cpu,), top=10),
        Chart("memory", gettext_lazy("Memory"), "mib", (memory,), top=ram_mib, of=human_mib(ram_mib)),
        _NETWORK,
        _DISK,
    )


#: Of a host, and of all together.
OF_HOST: Final = (
    Chart(
        "cpu",
        gettext_lazy("CPU"),
        "percent",
        (Line("", lambda values: share(values["cpu"] / 1e9, values["cpus"])),),
        top=10,
    ),
    Chart(
        "memory",
        gettext_lazy("Memory"),
        "percent",
        (Line("", lambda values: share(values["memory.usage"], values["memory"])),),
        top=100,
    ),
    _NETWORK,
    _DISK,
)


def named(kind: Kind, values: tuple[float, ...]) -> Values:
    return {meter.name: value for meter, value in zip(kind.meters, values, strict=True)}


def drawn(kind: Kind, charts: Sequence[Chart], found: Points) -> dict[str, list[list[float | None]]]:
    """Give chart → its lines' numbers, None in a hole."""
    rows = [None if row is None else named(kind, row.means) for row in found.rows]
    return {
        chart.name: [[None if row is None else _plain(line.read(row)) for row in rows] for line in chart.lines]
        for chart in charts
    }


def _plain(value: float) -> float | None:
    """Four digits, which is more than a chart shows; JSON has no NaN."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def latest(kind: Kind, charts: Sequence[Chart], found: Points) -> dict[str, str]:
    """Give chart → what stands at its top right: what its first line says last, and of how much."""
    last = next((row for row in reversed(found.rows) if row is not None), None)
    if last is None:
        return {}
    values = named(kind, last.means)
    return {chart.name: _said(chart, chart.lines[0].read(values)) for chart in charts}


def _said(chart: Chart, value: float) -> str:
    if not math.isfinite(value):
        return "–"
    text = UNITS[chart.unit](value)
    return _("%(used)s of %(limit)s") % {"used": text, "limit": chart.of} if chart.of else text
