"""The forms that the portal shows for what somebody typed, and what runs each of them: the client, curl and bash, Python."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlencode

import requests

from portal.showas.kinds import Kind
from portal.showas.registry import kinds
from tests.rest import Rest

CLI, CURL, PYTHON, PORTAL = "cli", "curl", "python", "portal"
#: What each case is done by. The portal's own way is one of them: the others have to come to the same.
WAYS = (PORTAL, CLI, CURL, PYTHON)
FRAGMENT = {"HX-Request": "true"}
Data = list[tuple[str, str]]


@dataclass
class Ask:
    """What somebody does: the dialog or button at `url`, with what is typed there, and the kinds of calls that it is.

    `secrets` are what the texts ask for; `lacks`: the ways in which it cannot be told; `bare`: what is typed is all that is sent;
    `file`: what the page sends after it; `ends`: the status of a
    client that reports a success as a failure.
    """

    url: str
    kinds: tuple[str, ...]
    typed: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    bare: bool = False
    file: str = ""
    ends: int = 0


class Fields(HTMLParser):
    """What a form's fields have as a browser would send it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Data = []
        self.many: set[str] = set()
        self._select: str | None = None
        self._options: Data = []
        self._chosen: list[str] = []
        self._several = False
        self._area: str | None = None
        self._text = ""
        self._inert = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._inert += 1
        if self._inert or "disabled" in has:
            return
        name, kind = has.get("name", ""), has.get("type", "text")
        if tag == "input" and name and kind not in ("file", "submit", "button"):
            if kind == "checkbox":
                self.many.add(name)
            if kind not in ("checkbox", "radio") or "checked" in has:
                self.found.append((name, has.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "select" and name:
            self._select, self._options, self._chosen, self._several = name, [], [], "multiple" in has
        elif tag == "option" and self._select:
            self._options.append((self._select, has.get("value", "")))
            if "selected" in has:
                self._chosen.append(has.get("value", ""))
        elif tag == "textarea" and name:
            self._area, self._text = name, ""

    def handle_data(self, data: str) -> None:
        self._text += data if self._area else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._inert -= 1
        elif tag == "textarea" and self._area:
            self.found.append((self._area, self._text.removeprefix("\n")))
            self._area = None
        elif tag == "select" and self._select:
            first = [] if self._several else [value for _name, value in self._options[:1]]
            self.found += [(self._select, value) for value in self._chosen or first]
            self._select = None


class Person:
    """Somebody signed in at the portal, with a client of the API beside it."""

    def __init__(self, base: str, account: str, password: str, rest: Rest, programs: Path) -> None:
        self.base, self.account, self.password, self.rest, self.programs = base, account, password, rest, programs
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        self.session.get(f"{base}/sign-in")
        answer = self._post("/sign-in", [("username", account), ("password", password)])
        assert "HX-Redirect" in answer.headers or answer.ok, answer.text[:500]

    def _post(self, path: str, data: Data) -> requests.Response:
        token = next(one.value or "" for one in self.session.cookies if "csrf" in one.name)
        head = {**FRAGMENT, "X-CSRFToken": token, "Referer": self.base}
        return self.session.post(f"{self.base}{path}", data=data, headers=head)

    def typed(self, ask: Ask) -> Data:
        """What the form at an address sends: as it begins, with what is typed in it. Of a button: nothing."""
        read = Fields()
        if not ask.bare and (answer := self.session.get(f"{self.base}{ask.url}", headers=FRAGMENT)).ok:
            read.feed(answer.text)
        kept = [(name, value) for name, value in read.found if name not in ask.typed and name != "csrfmiddlewaretoken"]
        new: Data = []
        for name, value in ask.typed.items():
            several = value if isinstance(value, list | tuple) else [] if value is False else [value]
            new += [(name, "on" if one is True else str(one)) for one in several]
        return kept + new

    def forms(self, ask: Ask, data: Data) -> dict[str, str]:
        """The texts that the page shows: way → text."""
        answer = self._post(f"/show-as?{urlencode({'of': ask.url})}", data)
        assert answer.status_code == 200 and "X-Status" not in answer.headers, (
            f"{ask.url}: {answer.headers} {answer.text[:300]}"
        )
        found = {}
        for part in answer.text.split("data-form=")[1:]:
            text = part.split("<code>")[1].split("</code>")[0] if "<code>" in part else ""
            found[part.split('"')[1]] = unescape(text)
        return found

    def do(self, ask: Ask, data: Data) -> str:
        """Do it at the portal itself."""
        answer = self._post(ask.url, data)
        status = answer.headers.get("X-Status", str(answer.status_code))
        assert status in ("200", "204", "302"), f"{ask.url}: {status} {re.sub(r'<[^>]+>', ' ', answer.text)[:800]}"
        if ask.file:
            kind = {"Content-Type": "application/octet-stream"}
            self.rest.ok("PUT", answer.json()["upload"], Path(ask.file).read_bytes(), **kind)
        return answer.text

    def see(self, ask: Ask) -> str:
        """The list at an address."""
        answer = self.session.get(f"{self.base}{ask.url}")
        assert answer.ok, answer.text[:500]
        return answer.text

    # ── Running ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, way: str, text: str, secrets: Mapping[str, str], ends: int = 0) -> str:
        """Run a text as the person would, with the credentials in the environment; what it printed."""
        command = [str(self.programs / "sdk"), text] if way == PYTHON else ["bash", "-c", f"set -euo pipefail\n{text}"]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OS_", "STACKLING_"))},
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "OS_AUTH_URL": f"{self.base}/api/identity/v3",
            "OS_USERNAME": self.account,
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": self.account,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": "RegionOne",
            "OS_IDENTITY_API_VERSION": "3",
            **({"OS_TOKEN": self.rest.token} if way == CURL else {}),
            **secrets,
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == ends, (
            f"{text}\n── came to {done.returncode}:\n{done.stderr[-1500:]}{done.stdout[-1500:]}"
        )
        return done.stdout


def is_told(kind: Kind, forms: Mapping[str, str]) -> bool:
    """Whether the texts are those of a kind: its request in curl, its words in the client's."""
    path = "".join(
        re.escape(text) + ("[^ ]+?" if name is not None else "")
        for text, name, _spec, _conversion in Formatter().parse(kind.path)
    )
    method = "" if kind.method == "GET" else rf"-X {kind.method} "
    request = rf"--fail-with-body {method}\S*?{path}(\?\S*)?[\"']*( |$)"
    words = " ".join(kind.cli.split())
    said = forms[CLI].replace(" \\\n ", "")
    return bool(re.search(request, forms[CURL].replace(" \\\n ", ""), re.M)) and (
        not kind.cli or kind.within != "" or words in said or "# The client has no command" in said
    )


#: What differs from one run to the next: ids, addresses, times, names of this run.
_OWN = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|(?:[0-9a-f]{2}:){5,15}[0-9a-f]{2}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
)


def plain(seen: object, name: str) -> object:
    """What was read back, without what differs from one run to the next."""
    text = json.dumps(seen, sort_keys=True).replace(name, "NAME")
    return json.loads(_OWN.sub("…", text))


def steps(case: Any, work: Any, person: Person, way: str) -> Any:
    """Do a case in one way; what it read back at its end."""
    going: Iterator[Any] = case.steps(work)
    said: str | None = None
    try:
        while True:
            ask: Ask = going.send(said)  # type: ignore[attr-defined]
            said = one(ask, person, way, work)
            work.asked.update(ask.kinds)
    except StopIteration as end:
        return end.value


def one(ask: Ask, person: Person, way: str, work: Any) -> str:
    """Do one thing in one way; what it printed."""
    is_list = all(kinds()[name].method == "GET" for name in ask.kinds)
    data = [] if is_list else person.typed(ask)
    if way == PORTAL:
        return person.see(ask) if is_list else person.do(ask, data)
    forms = person.forms(ask, data)
    wrong = [name for name in ask.kinds if not is_told(kinds()[name], forms)]
    assert wrong == [], f"{ask.url} does not tell {wrong}:\n{forms[CLI]}\n{forms[CURL]}"
    if way in ask.lacks:
        assert "# The client has no " in forms[way], forms[way]
        way = CURL
    work.told = forms[way]
    return person.run(way, forms[way], ask.secrets, ask.ends if way == CLI else 0)
