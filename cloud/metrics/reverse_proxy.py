"""Metrics of the reverse proxy: haproxy's own statistics, read from a socket that allows nothing else.

Their names keep the word frontdoor, for dashboards and alerts ask for them.
"""

import csv
import socket
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client import Metric

from cloud.metrics.rows import gauge

PATIENCE = 0.5  # seconds


def _rows() -> list[dict[str, str]]:
    """One row a frontend, backend and server. Raises: OSError."""
    pieces = []
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PATIENCE)
        link.connect(str(Path(settings.RUN) / "haproxy-stats.sock"))
        link.sendall(b"show stat\n")
        while piece := link.recv(1 << 16):
            pieces.append(piece)
    text = b"".join(pieces).decode(errors="replace").removeprefix("# ")
    return list(csv.DictReader(text.splitlines()))


def collect() -> Iterator[Metric]:
    """Yield haproxy's connections, tunnels and answers; `stackling_frontdoor_up` 0 alone when it does not answer. Raises nothing."""
    try:
        rows = {(row["pxname"], row["svname"]): row for row in _rows()}
        public = rows[("public", "FRONTEND")]
    except (OSError, KeyError, csv.Error):
        yield gauge("stackling_frontdoor_up", "Whether the reverse proxy gives its statistics.", ({}, 0.0))
        return

    def number(name: str, row: dict[str, str] = public) -> float:
        return float(row.get(name) or 0)

    yield gauge("stackling_frontdoor_up", "Whether the reverse proxy gives its statistics.", ({}, 1.0))
    yield gauge("stackling_frontdoor_connections", "Connections that clients have open.", ({}, number("scur")))
    yield gauge(
        "stackling_frontdoor_connections_limit", "Most connections that clients may have open.", ({}, number("slim"))
    )
    tunnels = [({"kind": name}, number("scur", rows[(name, "BACKEND")])) for name in ("sockets", "consoles") if (name, "BACKEND") in rows]  # fmt: skip
    yield gauge("stackling_frontdoor_tunnels", "Web sockets and consoles that are open.", *tunnels)
    waiting = rows.get(("hashing", "BACKEND"))
    if waiting:
        yield gauge("stackling_frontdoor_hashes_waiting", "Requests that wait for a password to be hashed.", ({}, number("qcur", waiting)))  # fmt: skip
    counted = Metric("stackling_frontdoor_responses", "Answers of the reverse proxy, its own included.", "counter")
    for code in ("1xx", "2xx", "3xx", "4xx", "5xx"):
        counted.add_sample("stackling_frontdoor_responses_total", {"status": code}, number(f"hrsp_{code}"))
    yield counted
    limited = Metric("stackling_frontdoor_limited", "Requests refused with 429 for asking too much.", "counter")
    limited.add_sample("stackling_frontdoor_limited_total", {}, number("dreq"))
    yield limited
