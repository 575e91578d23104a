"""Programs pass fewer middlewares than browsers, and get the same answers."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core import signals
from django.db import close_old_connections
from django.test import RequestFactory

from cloud import wsgi

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """As Django's own test client: a request does not close the connection whose transaction the test is in."""
    signals.request_started.disconnect(close_old_connections)
    yield
    signals.request_started.connect(close_old_connections)


def ask(path: str, **more: str) -> tuple[int, dict[str, str], bytes]:
    environ = RequestFactory().get(path).environ
    environ.pop("HTTP_COOKIE", None)
    environ |= {"wsgi.input": BytesIO(), **more}
    told: list[Any] = []
    body = b"".join(wsgi.application(environ, lambda status, headers: told.append((status, headers))))
    status, headers = told[0]
    return int(status.split()[0]), dict(headers), body


def test_a_program_gets_the_answer_without_what_pages_need() -> None:
    status, headers, body = ask("/api/identity/v3")
    assert status == 200
    assert int(headers["Content-Length"]) == len(body)
    assert headers["X-Openstack-Request-Id"].startswith("req-")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Language" not in headers


def test_a_browser_takes_the_long_way_to_the_same_answer() -> None:
    status, headers, _body = ask("/api/identity/v3", HTTP_COOKIE="a=b")
    assert status == 200 and "Content-Language" in headers
    assert ask("/api/identity/v3", HTTP_ACCEPT="text/html")[1]["Content-Type"].startswith("text/html")


def test_a_refusal_is_in_the_services_own_form() -> None:
    status, headers, body = ask("/api/compute/v2.1/servers")
    assert status == 401 and b'"code":401' in body.replace(b" ", b"")
    assert ask("/api/compute/v2.1/servers", HTTP_X_AUTH_TOKEN="nonsense")[0] == 401
    assert headers["X-Compute-Request-Id"] == headers["X-Openstack-Request-Id"]


def test_pages_are_not_for_the_short_way() -> None:
    assert "Content-Language" in ask("/sign-in")[1]
