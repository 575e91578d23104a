"""E: what /readyz and /metrics tell, and to whom."""

import json
import threading
from typing import Any

import pytest
from django.test import Client

from cloud import health

pytestmark = pytest.mark.django_db
OUTSIDE = {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}  # as the reverse proxy says of all that comes through it


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_known", (-health.FRESH, {}))


def test_counts_are_not_for_anyone(settings: Any) -> None:
    """E: through the reverse proxy only with the token, on web's own socket without."""
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", **OUTSIDE).status_code == 401
    assert Client().get("/metrics", **OUTSIDE, HTTP_AUTHORIZATION="Bearer ").status_code == 401
    settings.METRICS_TOKEN = "word"
    assert Client().get("/metrics", **OUTSIDE, HTTP_AUTHORIZATION="Bearer words").status_code == 401
    assert b"stackling_hosts" in Client().get("/metrics", **OUTSIDE, HTTP_AUTHORIZATION="Bearer word").content
    assert b"stackling_hosts" in Client().get("/metrics").content


def test_what_is_wrong_is_not_for_anyone(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """E: anyone may ask whether all is ready; the text of an exception is the operator's."""

    def broken() -> str:
        raise RuntimeError("password=secret at 10.0.0.1")

    monkeypatch.setattr(health, "_CHECKS", (("database", health._database), ("broker", broken)))
    with caplog.at_level("INFO", logger="django.request"):
        answer = Client().get("/readyz", **OUTSIDE)
    assert not caplog.records, "a cloud that starts fills no log with errors"
    assert answer.status_code == 503 and answer.json() == {"status": "not ready"} and answer["Retry-After"]
    assert "secret" in json.dumps(Client().get("/readyz").json()["parts"])


def test_a_flood_of_questions_asks_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: a broker that hangs holds one thread of web, not all of them."""
    asked, go_on = [], threading.Event()

    def hangs() -> str:
        asked.append(1)
        go_on.wait(20)
        return "ok"

    monkeypatch.setattr(health, "_CHECKS", (("broker", hangs),))
    monkeypatch.setattr(health, "_known", (-health.FRESH, {"broker": "away"}))
    first = threading.Thread(target=health._parts)
    first.start()
    while not asked:
        pass
    assert [health._parts() for _ in range(20)] == [{"broker": "away"}] * 20
    go_on.set()
    first.join(20)
    assert health._parts() == {"broker": "ok"} and len(asked) == 1
