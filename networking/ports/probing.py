"""Whether a guest's TCP port answers, tried from the router that leads to it while somebody looks, and not more often."""

from datetime import timedelta
from typing import Final, get_args

from django.db import transaction

from common.clock import now
from common.live import announce
from hostagent.contract import capabilities
from hostagent.contract.network import PORT_PROBE, Found, PortProbe
from hosts import drivers
from hosts import services as hosts
from networking.floatingips.models import FloatingIP
from networking.ports.models import Port, Probe
from networking.routers.models import Router
from operations import background

SSH: Final = 22
KIND: Final = "probe"  # of background work
EVERY: Final = timedelta(seconds=25)  # the least between two tries of a port
COUNTS: Final = timedelta(seconds=90)  # for which what was found is worth telling
LONGEST: Final = 128


def latest(port: Port, number: int = SSH) -> Probe | None:
    """Return what was found last, None where nothing is known or it is too old to be told."""
    return Probe.objects.filter(port=port, number=number, answered_at__gt=now() - COUNTS).first()


@transaction.atomic
def ask(port: Port, number: int = SSH) -> bool:
    """Have a port of a guest tried, unless it was asked for lately or no router here leads to it. Returns whether it is.

    The caller has made sure that who asks may see the port. Nothing waits for it: the answer is a change of the port.
    """
    moment = now()
    # first of all what a page that is looked at finds nearly always
    if Probe.objects.filter(port=port, number=number, asked_at__gte=moment - EVERY).exists() or _way(port) is None:
        return False
    probe, made = Probe.objects.get_or_create(port=port, number=number, defaults={"asked_at": moment})
    if not made and not Probe.objects.filter(pk=probe.pk, asked_at__lt=moment - EVERY).update(asked_at=moment):
        return False
    background.enqueue(KIND, str(probe.pk))
    return True


def send(key: str) -> None:
    """Cast what was asked for, in control: the background work of this kind. One whose port or router is gone is forgotten."""
    probe = Probe.objects.filter(pk=key).select_related("port").first()
    way = _way(probe.port) if probe is not None else None
    if probe is None or way is None:
        return
    router, ip = way
    body = PortProbe(port_id=probe.port_id, router_id=router.id, ip=ip, number=probe.number)
    hosts.send(router.host, PORT_PROBE, body, subject=f"router:{router.id}", deadline=10)


def _way(port: Port) -> tuple[Router, str] | None:
    """Find the router by which a floating IP leads to a port, and the address behind it."""
    floating = FloatingIP.objects.filter(port=port).exclude(router=None).select_related("router").order_by("id").first()
    if floating is None or floating.router is None or not floating.router.host:
        return None
    if capabilities.PROBE.name not in drivers.of(floating.router.host).can:
        return None
    return floating.router, floating.fixed_ip_address


def on_probed(host: str, body: dict[str, object]) -> None:
    """Keep what a host found. Believed of the host that carries the router, about what it was asked for."""
    found, said, number = body.get("found"), body.get("said"), body.get("number")
    port = Port.objects.filter(id=str(body.get("port_id", ""))[:36]).first()
    if port is None or found not in get_args(Found) or not isinstance(said, str) or not isinstance(number, int):
        return
    way = _way(port)
    if way is None or way[0].host != host:
        return
    with transaction.atomic():
        before = latest(port, number)
        kept = {"answered_at": now(), "found": found, "said": said[:LONGEST]}
        if not Probe.objects.filter(port=port, number=number).update(**kept):
            return
        if before is None or (before.found, before.said) != (found, kept["said"]):
            announce("port", port.id, port.project_id)
            if port.server_id:
                announce("server", port.server_id, port.project_id)
