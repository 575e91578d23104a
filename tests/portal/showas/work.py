"""Cases of what somebody does at the portal: each makes what it needs, does it, and reads back what came of it."""

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from tests.portal.showas.running import Ask
from tests.rest import Rest, until

Steps = Generator[Ask, str, object]


class Work:
    """One run of a case: its own name for things, and what it made, which goes at its end."""

    def __init__(self, rest: Rest, admin: Rest) -> None:
        self.rest, self.admin = rest, admin
        self.name = f"as-{uuid.uuid4().hex[:8]}"
        self.asked: set[str] = set()
        self.told = ""  # the text that was run last
        self._made: list[tuple[Rest, str]] = []

    @property
    def project(self) -> str:
        assert self.rest.token
        return self.rest.project_id

    def goes(self, path: str, by: Rest | None = None) -> None:
        """At the end DELETE it."""
        self._made.append((by or self.rest, path))

    def make(self, path: str, key: str, body: dict[str, Any], by: Rest | None = None, method: str = "POST") -> str:
        """Make a thing by the API; its id."""
        answer = (by or self.rest).ok(method, path, {key: body} if key else body)
        row = answer[key] if key else answer
        at = path if method == "PUT" else f"{path}/{row.get('id') or row['name']}"
        self.goes(at, by)
        return str(row.get("id") or row["name"])

    def get(self, path: str, key: str = "", by: Rest | None = None) -> Any:
        found = (by or self.rest).ok("GET", path)
        return found[key] if key else found

    def named(self, path: str, key: str, *, name: str = "", by: Rest | None = None) -> Any:
        """The one thing in a list that has this run's name; it goes at the end."""
        name = name or self.name
        rows = [row for row in self.get(path, key, by) if row["name"] == name]
        assert len(rows) == 1, f"{len(rows)} of {path} are called {name}"
        self.goes(f"{path.removesuffix('/detail').partition('?')[0]}/{rows[0]['id']}", by)
        return rows[0]

    def is_gone(self, path: str, by: Rest | None = None) -> bool:
        return (by or self.rest).ask("GET", path).status == 404

    def remove(self) -> None:
        for rest, path in reversed(self._made):
            status = rest.ask("DELETE", path).status
            if status == 202:
                until(lambda path=path, rest=rest: self.is_gone(path, rest), 60, f"{path} is gone")
            elif status < 300 and "/servers/" in path and path.count("/") == 5:
                rest.until_gone(path.rpartition("/")[2])


@dataclass(frozen=True)
class Case:
    """What a case does, of which kinds, and who does it."""

    name: str
    kinds: tuple[str, ...]
    account: str
    steps: Callable[[Work], Steps]


def collector(cases: list[Case]) -> Callable[..., Callable[[Callable[[Work], Steps]], Callable[[Work], Steps]]]:
    """A decorator that adds a case to a table."""

    def case(*kinds: str, account: str = "demo") -> Callable[[Callable[[Work], Steps]], Callable[[Work], Steps]]:
        def add(steps: Callable[[Work], Steps]) -> Callable[[Work], Steps]:
            cases.append(Case(steps.__name__, kinds, account, steps))
            return steps

        return add

    return case


def listed(
    cases: list[Case],
    kind: str,
    url: str,
    of: Callable[[Work], str],
    account: str = "demo",
    lacks: tuple[str, ...] = (),
    narrowed: str = "",
) -> None:
    """Add the case of a list: whatever `of` makes stands in it, also where `narrowed` are the filters. {name} there is this run's own."""

    def steps(work: Work) -> Steps:
        text = of(work)
        for address in [url, f"{url}?{narrowed.format(name=work.name)}"] if narrowed else [url]:
            said = yield Ask(address, (kind,), lacks=lacks)
            assert text in said, f"{text} is not in {address}:\n{said[-3000:]}"
        if narrowed:
            said = yield Ask(f"{url}?name=nobody-has-this", (kind,))
            assert text not in said or "# The client has no option" in work.told, (
                f"{text} is in a list of others:\n{said[-3000:]}"
            )
        return True

    cases.append(Case(f"list {url}", (kind,), account, steps))


def deleted(
    cases: list[Case],
    kind: str,
    url: str,
    path: str,
    make: Callable[[Work], str],
    account: str = "demo",
    **typed: object,
) -> None:
    """Add the case of a deletion: what `make` made is gone. `{id}` of address and path is its id."""

    def steps(work: Work) -> Steps:
        id = make(work)
        asks = {name: work.name if value == "NAME" else value for name, value in typed.items()}
        yield Ask(url.format(id=id), (kind,), asks)
        until(lambda: work.is_gone(path.format(id=id)), 60, f"{path.format(id=id)} is gone")
        return True

    cases.append(Case(f"delete {url}", (kind,), account, steps))
