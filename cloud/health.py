"""/readyz: what the cloud needs answers. /metrics: counts for Prometheus. /healthz is the front door's own.

Anyone may ask whether the cloud is ready. What is wrong, and the counts, are for who shows STACKLING_METRICS_TOKEN as a bearer
or asks at web's socket on this machine.
"""

import time
from threading import Lock
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from redis.backoff import NoBackoff
from redis.retry import Retry

_STARTED = time.time()


def may_look(request: HttpRequest) -> bool:
    """Whether details are for who asks. The front door names the client of all that comes through it."""
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
        from cloud.celery import app

        with app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=2)
        return "ok"
    once: Any = {"socket_timeout": 2, "retry": Retry(NoBackoff(), 0)}  # an answer now is worth more than another try
    if settings.BROKER_URL.startswith("redis+socket://"):
        path = settings.BROKER_URL.removeprefix("redis+socket://").split("?")[0]
        client = redis.Redis(unix_socket_path=path, **once)
    else:
        client = redis.Redis.from_url(settings.BROKER_URL, **once)
    client.ping()
    client.close()
    return "ok"


def _hosts() -> str:
    from hosts.models import Host

    states = list(Host.objects.values_list("state", flat=True))
    up = states.count("up")
    return "ok" if up or not states else f"0 of {len(states)} hosts are up"


def _control() -> str:
    from common.clock import now
    from operations.models import Lease

    lease = Lease.objects.filter(name="beat").first()
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
    told: dict[str, Any] = {"status": "ok" if good else "not ready"}
    if may_look(request):
        told["parts"] = {**parts, "hosts": _hosts()} if parts["database"] == "ok" else parts
    response = JsonResponse(told, status=200 if good else 503)
    if not good:
        response["Retry-After"] = "2"
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: operations by state, hosts by state, servers by status, seconds up."""
    if not may_look(request):
        text = (
            "Counts are for who shows STACKLING_METRICS_TOKEN as a bearer, or asks at web's socket on this machine.\n"
        )
        return HttpResponse(text, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    from django.apps import apps
    from django.db.models import Count

    from hosts.models import Host
    from operations.models import Operation
    from portal.servers import listing

    lines = ["# TYPE stackling_up_seconds gauge", f"stackling_up_seconds {time.time() - _STARTED:.0f}"]

    def family(name: str, label: str, rows: object) -> None:
        lines.append(f"# TYPE {name} gauge")
        lines.extend(f'{name}{{{label}="{key}"}} {count}' for key, count in rows)  # type: ignore[attr-defined]

    family("stackling_hosts", "state", Host.objects.values_list("state").annotate(n=Count("pk")).order_by())
    family("stackling_operations", "state", Operation.objects.values_list("state").annotate(n=Count("pk")).order_by())
    lines += ["# TYPE stackling_rows_rendered counter", f"stackling_rows_rendered {listing.rendered}"]
    server = apps.get_model("compute", "Server")
    family("stackling_servers", "vm_state", server.objects.values_list("vm_state").annotate(n=Count("pk")).order_by())
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
