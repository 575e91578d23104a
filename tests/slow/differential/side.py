"""One of the two: sends steps, keeps what later steps need, and says what it answered in words both sides share."""

import http.client
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.slow.differential.recordings import Step, filled

#: Headers of answers that clients act on. Of others only that they are there or not would be noise of the server.
HEADERS = ("content-type", "vary", "www-authenticate", "location", "x-subject-token", "allow")
_ID = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
_AUDIT = re.compile(r"^[A-Za-z0-9_-]{22}$")


@dataclass
class Said:
    """An answer, with what no two clouds share taken out."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Side:
    """`url` is the address before /v3; `values` are what steps have kept, tokens under @name."""

    name: str
    url: str
    values: dict[str, str] = field(default_factory=dict)

    def ask(self, step: Step) -> Said:
        """Raises: KeyError when a step needs what an earlier one did not get."""
        place = urlsplit(self.url)
        path = place.path + filled(step.path, self.values)
        body = None if step.body is None else filled(step.body, self.values)
        headers = {name: filled(value, self.values) for name, value in step.headers.items()}
        if step.who != "nobody":
            headers.setdefault("X-Auth-Token", self.values[f"@{step.who}"])
        if body is not None:
            body = body.removeprefix("raw:")
            headers.setdefault("Content-Type", "application/json")
        link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            link.request(step.method, path, body=None if body is None else body.encode(), headers=headers)
            answer = link.getresponse()
            raw, heads = answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            link.close()
        found = _json(raw, heads)
        self._keep(step, heads, found)
        plain = {name: self._plain_header(name, value) for name, value in heads.items()}
        return Said(answer.status, plain, kinds(found) if step.shape else self.plain(found))

    def _keep(self, step: Step, heads: dict[str, str], found: Any) -> None:
        for name, where in step.keep.items():
            if name.startswith("@"):
                value: Any = heads.get("x-subject-token")
            elif where.startswith("#"):
                value = heads.get(where[1:].lower())
            else:
                value = _at(found, where)
            if value is not None:
                self.values[name] = str(value)

    # ── Words both sides share ──────────────────────────────────────────────────────────────────────────────────────

    def plain(self, value: Any, key: str = "") -> Any:
        """Ids, times, addresses and secrets replaced by what they are; lists of alike things by one of each kind."""
        if isinstance(value, dict):
            return {self._text(name): self.plain(one, name) for name, one in value.items()}
        if isinstance(value, list):
            seen = {json.dumps(self.plain(one, key), sort_keys=True): None for one in value}
            return [json.loads(text) for text in sorted(seen)]
        if not isinstance(value, str):
            return value
        if key in ("message", "secret", "access", "blob", "oauth_token_secret") or _AUDIT.match(value):
            return f"<{key if not _AUDIT.match(value) else 'audit id'}>"
        return self._text(value)

    def _text(self, text: str) -> str:
        for name, value in sorted(self.values.items(), key=lambda one: -len(one[1])):
            if len(value) > 6 and not name.startswith("@"):
                text = text.replace(value, f"<{name}>")
        place = urlsplit(self.url)
        text = text.replace(self.url, "<url>").replace(f"{place.scheme}://{place.netloc}", "<url>")
        return _TIME.sub("<time>", _ID.sub("<id>", text))

    def _plain_header(self, name: str, value: str) -> str:
        if name == "x-subject-token":
            return "<token>"
        if name in ("allow", "vary"):
            return ", ".join(sorted(part.strip() for part in value.split(",")))
        return self._text(value.replace("; charset=utf-8", ""))


def _json(raw: bytes, heads: dict[str, str]) -> Any:
    kind = heads.get("content-type", "").partition(";")[0]
    if not raw:
        return None
    if kind in ("application/json", "application/json-home"):
        return json.loads(raw)
    if b"=" not in raw[:30] or b"<" in raw[:1]:
        return f"({kind})"
    return {pair.partition("=")[0]: "<text>" for pair in raw.decode().split("&")}  # OAuth 1 answers as forms do


def _at(found: Any, where: str) -> Any:
    for part in where.split("."):
        if isinstance(found, list):
            found = found[int(part)] if part.isdigit() and int(part) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(part)
    return found


def kinds(value: Any) -> Any:
    """What kinds of values there are: a list is its elements laid over each other."""
    if isinstance(value, dict):
        return {name: kinds(one) for name, one in value.items()}
    if isinstance(value, list):
        if not all(isinstance(one, dict) for one in value):
            return sorted({json.dumps(kinds(one), sort_keys=True) for one in value})
        names = sorted({name for one in value for name in one})
        return [{name: _laid_over([one for one in value if name in one], name, len(value)) for name in names}]
    return type(value).__name__


def _laid_over(rows: list[dict[str, Any]], name: str, count: int) -> list[str]:
    found = {json.dumps(kinds(row[name]), sort_keys=True) for row in rows}
    return sorted(found | ({"(absent in some)"} if len(rows) < count else set()))
