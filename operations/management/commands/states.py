"""Prints docs/states.md: the states of every lifecycle, and which verb may begin where."""

from collections.abc import Iterator

from django.core.management.base import BaseCommand

from operations.subject import Lifecycle, Verb, lifecycles

HEAD = """# States

What each resource can be, and which verb may begin where. `manage.py states > docs/states.md` writes this page from the tables
(`states.py` of each resource) by the reading that the APIs and the portal have, `operations/subject.py`; a test holds it to them.
"""


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write("\n".join([HEAD, *(line for table in lifecycles() for line in _page(table))]).rstrip())


def _page(table: Lifecycle) -> Iterator[str]:
    yield f"## {table.kind}"
    yield ""
    yield from (f"- `{state}`: {sentence}" for state, sentence in table.states.items())
    yield ""
    if not table.verbs:
        return
    yield "| verb | from | meanwhile | to |"
    yield "|---|---|---|---|"
    for name, verb in table.verbs.items():
        yield f"| {name} | {_from(table, name)} | {_code(verb.task)} | {_to(verb)} |"
    yield ""
    first = [name for name, verb in table.verbs.items() if verb.preempts]
    if first:
        yield f"One verb at a time; {', '.join(first)} may be asked for at any time, and begins when that has ended or unwound."
        yield ""


def _from(table: Lifecycle, name: str) -> str:
    return " ".join(_code(state) for state in table.states if table.why_not(name, state=state) is None)


def _to(verb: Verb) -> str:
    return _code(verb.ends) if verb.ends else "where it began, or as the flow says"


def _code(word: str) -> str:
    return f"`{word}`" if word else ""
