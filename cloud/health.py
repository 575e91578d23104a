"""/readyz: whether all that the cloud needs answers. /healthz is the reverse proxy's own, /metrics is in cloud/metrics.

Anyone may ask whether the cloud is ready. Details go only to callers that show STACKLING_METRICS_TOKEN as a bearer, or use
web's socket on this machine.
"""

import time
from threading import Lock

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from openstackapi import states
from operations import queue


def may_look(request: HttpRequest) -> bool:
    """True if the caller may see details: it shows the metrics token, or has no X-Forwarded-For, so came to web's socket."""
    if "HTTP_X_FORWARDED_FOR" not in request.META:
        return True
    shown = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(shown, settings.METRICS_TOKEN)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _broker() -> str:
    if not settings.BROKER_URL.startswith("redis"):
        with queue.app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=2)
        return "ok"
    from cloud.metrics.broker import client

    link = client()
    link.ping()
    link.close()
    return "ok"


def _hosts() -> str:
    from hosts.models import Host

    states = list(Host.objects.values_list("state", flat=True))
    up = states.count("up")
    return "ok" if up or not states else f"0 of {len(states)} hosts are up"


def _hosts_up() -> int:
    from hosts.models import Host
    from hosts.states import HostState

    return Host.objects.filter(state=HostState.UP).count()


def _control() -> str:
    from common.clock import now
    from operations.leases import CLOCK
    from operations.models import Lease

    lease = Lease.objects.filter(name=CLOCK).first()
    return "ok" if lease and lease.until > now() else "no control process holds the clock"


_CHECKS = (("database", _database), ("broker", _broker), ("control", _control))
FRESH = 1.0  # seconds for which a verdict counts: a flood of questions asks the database and the broker once a second
_asking = Lock()
_known: tuple[float, dict[str, str]] = (-FRESH, {})


def _parts() -> dict[str, str]:
    """Part → "ok" or what is wrong. One thread finds out; meanwhile others get the verdict before."""
    global _known
    when, parts = _known
    if time.monotonic() - when >= FRESH and _asking.acquire(blocking=not parts):
        try:
            parts = {}
            for name, check in _CHECKS:
                try:
                    parts[name] = check()
                except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
                    parts[name] = f"{type(error).__name__}: {error}"
            _known = (time.monotonic(), parts)
        finally:
            _asking.release()
    return parts


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, broker and control answer, else 503; names what does not, and says how the hosts are."""
    parts = _parts()
    good = all(text == "ok" for text in parts.values())
    told: dict[str, object] = {"status": states.READY if good else states.NOT_READY}
    if may_look(request):
        told["parts"] = parts
        if parts["database"] == "ok":
            told |= {"parts": {**parts, "hosts": _hosts()}, "hosts_up": _hosts_up()}
    response = JsonResponse(told, status=200 if good else 503)
    if not good:
        response["Retry-After"] = "2"
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django's line for a 5xx: a cloud that starts has no error
    return response
