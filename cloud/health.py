"""/healthz: this process lives. /readyz: everything it needs answers. /metrics: counts for Prometheus."""

import time
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

_STARTED = time.time()


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


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


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, broker, control and a host answer; else 503 naming what does not."""
    parts = {}
    for name, check in (("database", _database), ("broker", _broker), ("control", _control), ("hosts", _hosts)):
        try:
            parts[name] = check()
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
            parts[name] = f"{type(error).__name__}: {error}"
    good = all(text == "ok" for text in parts.values())
    response = JsonResponse({"status": "ok" if good else "not ready", "parts": parts}, status=200 if good else 503)
    if not good:
        response["Retry-After"] = "2"
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: operations by state, hosts by state, servers by status, seconds up."""
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
