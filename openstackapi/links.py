"""Absolute links, built from the host that the client asked for."""

from urllib.parse import quote, urlencode

from django.http import HttpRequest


def root(request: HttpRequest) -> str:
    """``http://host:port`` as the client sees it (X-Forwarded-* are set by the front door only)."""
    return f"{request.scheme}://{request.get_host()}"


def link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href}


def with_query(url: str, params: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def self_and_bookmark(request: HttpRequest, prefix: str, version: str, tail: str) -> list[dict[str, str]]:
    """Nova's pair: self with the version in the path, bookmark without. `prefix` is like ``/api/compute``."""
    base = root(request) + prefix
    return [link("self", f"{base}/{version}/{quote(tail)}"), link("bookmark", f"{base}/{quote(tail)}")]
