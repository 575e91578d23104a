"""Load: the section of a page, filled by its script from one JSON a span, and the sparks of a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError
from compute.servers.models import Server
from hosts.models import Host
from hosts.states import is_down
from networking.ports.models import Port
from portal.load import charts
from portal.load.charts import Chart, Text
from portal.servers.listing import flavor_words, visible
from portal.ui.pages import Page
from telemetry import services
from telemetry.meters import HOST, PORT, SERVER, Kind
from telemetry.samples.reading import SPARK, Points, Span
from telemetry.samples.rollups import CLOUD

#: The spans that a page offers.
SPANS: tuple[tuple[str, Text], ...] = (
    ("1h", gettext_lazy("1 h")),
    ("24h", gettext_lazy("24 h")),
    ("7d", gettext_lazy("7 d")),
    ("30d", gettext_lazy("30 d")),
)


@dataclass(frozen=True)
class Section:
    """The charts of one thing on a page: what each says now, or why there is nothing."""

    title: Text
    url: str
    charts: Sequence[Chart]
    why: str
    now: dict[str, str] = field(default_factory=dict)
    spans: tuple[tuple[str, Text], ...] = SPANS

    @property
    def shown(self) -> list[tuple[Chart, str]]:
        """List each chart, and what it says now."""
        return [(chart, self.now.get(chart.name, "–")) for chart in self.charts]


def _section(kind: Kind, name: str, section: Section) -> Section:
    """The section with what each chart says now. That samples cannot be read takes no page away."""
    try:
        now = charts.latest(kind, section.charts, services.latest(kind, name))
    except services.SamplesUnavailable as error:
        return replace(section, why=error.message)
    return replace(section, now=now, why="" if now else section.why)


def of_server(server: Server) -> Section:
    """Make the section of an instance's page."""
    url = reverse("instance-load", args=[server.id])
    return _section(SERVER, server.id, Section(_("Load"), url, _of(server), why=_why_server(server)))


def of_port(server: Server, port: Port) -> Section:
    """Make the section of one interface of an instance."""
    url = reverse("instance-port-load", args=[server.id, port.id])
    title = _("Traffic on %(network)s") % {"network": port.network.name or port.network_id[:8]}
    return _section(PORT, port.id, Section(title, url, charts.OF_PORT, why=_why_server(server)))


def of_host(host: Host) -> Section:
    """Make the section of a host's page."""
    url = reverse("host-load", args=[host.name])
    return _section(HOST, host.name, Section(_("Load"), url, charts.OF_HOST, why=_why_host(host)))


def of_cloud(actor: RequestContext) -> Section | None:
    """Make the section of the overview, for operators; None for others."""
    if not services.sees_cloud(actor):
        return None
    section = Section(_("Load of all hosts"), reverse("cloud-load"), charts.OF_HOST, why=_why_cloud())
    return _section(HOST, CLOUD, section)


def _of(server: Server) -> tuple[Chart, ...]:
    _name, vcpus, ram = flavor_words(server.flavor or {})
    return charts.of_server(vcpus, ram)


def _why_server(server: Server) -> str:
    if server.runs:
        return _("No samples yet. They come each 10 s, the first within half a minute after the start.")
    return _("Nothing was measured: an instance has load while it runs.")


def _why_host(host: Host) -> str:
    if is_down(host.state):
        return _("Nothing was measured: the host is down. What it measures meanwhile comes once it is heard again.")
    return _("No samples yet. They come each 10 s, the first within half a minute after the agent's start.")


def _why_cloud() -> str:
    return _("No samples yet. The first are there two minutes after the first host is up.")


class _Load(Page):
    """GET ?span=1h: the points of the charts, and what each says now."""

    def span(self) -> Span:
        """Read the span that is asked. Raises: NoSuchSpan."""
        return services.span(self.request.GET.get("span", "1h"))

    def refuse(self, error: CloudError) -> HttpResponse:
        """Answer an error; without a toast where the page asks again by itself, and says so in the charts' place."""
        response = super().refuse(error)
        if isinstance(error, services.SamplesUnavailable):
            del response["HX-Trigger"]
        return response

    def points(self, kind: Kind, shown: Sequence[Chart], found: Points, why: str) -> JsonResponse:
        span, until = self.span(), int(now().timestamp())
        return JsonResponse(
            {
                "from": until - span.seconds,
                "until": until,
                "times": found.times,
                "charts": charts.drawn(kind, shown, found),
                "now": charts.latest(kind, shown, found),
                "why": "" if found.times else why,
            }
        )


class ServerLoad(_Load):
    panel = "instances"

    def get(self, request: HttpRequest, id: str) -> JsonResponse:
        server, found = services.of_server(self.actor, id, self.span())
        return self.points(SERVER, _of(server), found, _why_server(server))


class PortLoad(_Load):
    panel = "instances"

    def get(self, request: HttpRequest, id: str, port: str) -> JsonResponse:
        _port, found = services.of_port(self.actor, id, port, self.span())
        return self.points(PORT, charts.OF_PORT, found, _("Nothing was measured in this time."))


class HostLoad(_Load):
    panel = "hosts"

    def get(self, request: HttpRequest, id: str) -> JsonResponse:
        host, found = services.of_host(self.actor, id, self.span())
        return self.points(HOST, charts.OF_HOST, found, _why_host(host))


class CloudLoad(_Load):
    panel = "overview"

    def get(self, request: HttpRequest) -> JsonResponse:
        return self.points(HOST, charts.OF_HOST, services.of_cloud(self.actor, self.span()), _why_cloud())


class Sparks(Page):
    """GET ?id=…&id=…: how busy each of these instances was in the last hour, in percent, a minute a number; null: not known."""

    panel = "instances"
    MOST = 200

    def get(self, request: HttpRequest) -> JsonResponse:
        everywhere = "everywhere" in request.GET
        asked = request.GET.getlist("id")[: self.MOST]
        servers = list(visible(self.actor, everywhere=everywhere).filter(pk__in=asked).only("id", "flavor"))
        found = services.sparks(servers)
        vcpus = {server.id: flavor_words(server.flavor or {})[1] for server in servers}
        until = int(now().timestamp()) // SPARK.step
        return JsonResponse({id: _spark(points, vcpus[id], until) for id, points in found.items()})


def _spark(found: Points, vcpus: int, until: int) -> list[float | None]:
    """A number for each minute up to the one that is `until`, None where there is none."""
    cpu = SERVER.index("cpu")
    shares = {
        at // SPARK.step: charts.share(row.means[cpu] / 1e9, vcpus)
        for at, row in zip(found.times, found.rows, strict=True)
        if row is not None
    }
    last = range(until + 1 - SPARK.seconds // SPARK.step, until + 1)
    return [
        round(share, 1) if (share := shares.get(minute)) is not None and share == share else None for minute in last
    ]
