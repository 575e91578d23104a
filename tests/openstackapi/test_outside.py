"""C2: what the cloud says of itself from outside: STACKLING_PUBLIC_URL wins, and no name of somebody else's is followed."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.openstackapi import asking
from tests.openstackapi.asking import DEMO, Asker, furnish

SignIn = Callable[[], dict[str, Asker]]
OUTSIDE = "https://cloud.example"
#: What a request came with, by a proxy that ended TLS: none of it may be seen in an answer.
CAME = {"Host": "inside.example:8000", "X-Forwarded-Proto": "http"}
_URL = re.compile(r"""https?:(?:\\?/){2}[^\s"'<>\\]+""")
MOST = 400  # links that are followed


@pytest.fixture
def behind_a_proxy(settings: Any) -> None:
    settings.PUBLIC_URL = OUTSIDE
    settings.ALLOWED_HOSTS = ["inside.example", "cloud.example"]  # as make run says them


def plain_routes() -> Iterator[str]:
    """Every route without a parameter."""

    def walk(patterns: list[Any], before: str) -> Iterator[str]:
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield path
            else:
                yield from walk(pattern.url_patterns, path)

    return (path for path in walk(get_resolver().url_patterns, "/") if "<" not in path and "(" not in path)


def urls_in(answer: Any) -> set[str]:
    body = b"" if answer.streaming else answer.content
    found = set(_URL.findall(body.decode(errors="replace"))) if b"\0" not in body else set()
    return found | {value for name, value in answer.items() if value.startswith("http")}


def test_every_absolute_link_is_the_public_one(behind_a_proxy: None, askers: SignIn, world: Any) -> None:
    """C2: all routes, and all that they link to, as an administrator."""
    admin = askers()["admin"]
    furnish(admin)
    todo, seen, ours = sorted(set(plain_routes())), set(), 0
    while todo and len(seen) < MOST:
        path = todo.pop()
        if path in seen or path.startswith("/internal/") or path in ("/sign-out",):
            continue
        seen.add(path)
        answer = admin.ask("get", urlsplit(path).path, query=urlsplit(path).query, headers=CAME)
        assert answer.status_code != 500, (path, answer.content[:300])
        for url in urls_in(answer):
            host = urlsplit(url).netloc
            assert host not in ("inside.example:8000", "testserver", "evil.example"), (path, url)
            assert host != "cloud.example" or url.startswith(OUTSIDE), (path, url)
            if host == "cloud.example":
                ours += 1
                todo.append(url.removeprefix(OUTSIDE))
    assert len(seen) > 150 and ours > 200


@pytest.fixture(autouse=True)
def _comes_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(asking._client.defaults, "HTTP_HOST", CAME["Host"])


def test_pages_and_cookies_know_that_outside_is_https(behind_a_proxy: None, askers: SignIn, settings: Any) -> None:
    """C2: redirects, content policy, addresses that are shown; what came to us was plain http by another name."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    askers()
    client = Client(HTTP_HOST=CAME["Host"], HTTP_X_FORWARDED_PROTO="http")
    signed = client.post("/sign-in", {"username": "demo", "password": DEMO})
    assert signed.status_code == 302 and client.cookies[settings.SESSION_COOKIE_NAME]["secure"]
    shown = 0
    for path in sorted(set(plain_routes())):
        if path.startswith(("/api/", "/internal/", "/sign-out")):
            continue
        page = client.get(path)
        text = b"" if page.streaming else page.content + str(page.headers).encode()
        assert b"inside.example" not in text and b"testserver" not in text, path
        if page.status_code == 200 and b"wss://" in text:
            assert b"wss://cloud.example" in text, path
            shown += 1
    assert shown > 20


@pytest.mark.parametrize(
    "path", ["/api/identity/v3", "/api/compute/v2.1/servers", "/sign-in", "/", "/static/x.css", "/nowhere"]
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_name_that_is_not_ours_is_refused(settings: Any, path: str, accept: str, db: None) -> None:
    """C2: no link, redirect or page is made for it."""
    settings.ALLOWED_HOSTS = ["cloud.example"]
    for forged in (
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "cloud.example", "HTTP_X_FORWARDED_HOST": "evil.example"},
    ):
        answer = Client(**forged).get(path, HTTP_ACCEPT=accept)
        assert answer.status_code == 400 and b"evil" not in answer.content
        assert b"not known by the name" in answer.content


def test_without_a_public_url_links_follow_the_name_that_was_asked_for(settings: Any, db: None) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "", ["one.example", "two.example"]
    for name in settings.ALLOWED_HOSTS:
        assert (
            f"http://{name}:81/api/identity/v3/"
            in Client(HTTP_HOST=f"{name}:81").get("/api/identity/v3").content.decode()
        )
