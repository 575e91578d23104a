"""Absolute links, built from the host that the client asked for."""

from urllib.parse import urlencode

from django.http import HttpRequest


def root(request: HttpRequest) -> str:
    """``http://host:port`` as the client sees it (X-Forwarded-* are set by the front door only)."""
    return f"{request.scheme}://{request.get_host()}"


def link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href}


def with_query(url: str, params: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url
