"""Each form and button of the portal, sent by a member with ids of another project in its path and in its fields."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.simulated import Cloud
from tests.tenants import views
from tests.tenants.bodies import Document
from tests.tenants.test_foreign_ids import content, found, judge
from tests.tenants.things import KINDS, Side

#: Names of fields beside those that a form says it has.
NAMES = (
    "id", "ids", "server", "servers", "port", "network", "networks", "subnet", "image", "flavor", "group", "groups",
    "security_groups", "keypair", "key", "router", "floatingip", "floating_ip", "address", "fixed_ip", "project", "user",
    "target", "server_group",
)  # fmt: skip
SKIP = ("sign-", "language", "project", "domain", "region", "columns", "settings", "static")


def paths(victim: Side, attacker: Side) -> Iterator[tuple[str, str]]:
    """(path, the foreign id in it or "") of all routes of members."""
    for route in views._routes(get_resolver("portal.urls").url_patterns):
        if route.startswith(SKIP):
            continue
        parts = route.split("/")
        slots = [n for n, part in enumerate(parts) if part.startswith("<")]
        for theirs in (None, *slots):
            sides = [victim if n == theirs else attacker for n in range(len(parts))]
            done = [_value(part, parts[0], sides[n]) if n in slots else part for n, part in enumerate(parts)]
            yield "/" + "/".join(done), done[theirs] if theirs is not None else ""


def _value(part: str, first: str, side: Side) -> str:
    name = part.strip("<>").rpartition(":")[2]
    kind = views.PARTS.get(name) or (views.PAGES.get(first, "server") if name == "id" else "")
    fixed = {"verb": "start", "tab": "console", "kind": "server"}
    return side.things.get(kind) or fixed.get(name) or side.things.get(name) or "x"


def _chosen(form: Any, name: str, field: Any) -> Any:
    """What the form begins with, or its first choice: a value that it takes."""
    choices = [choice[0] for choice in getattr(field, "choices", None) or () if choice[0]]
    return form.get_initial_for_field(field, name) or choices[:1] or "1"


def bodies_of(form: Any, victim: Side) -> Iterator[dict[str, Any]]:
    """All fields foreign, three times with other kinds of things; then each alone among values that the form takes."""
    for turn in range(3):
        foreign = {}
        for name in form.fields:
            kinds = [kind.name for kind in KINDS if kind.fits(name)] or [kind.name for kind in KINDS]
            foreign[form.add_prefix(name)] = victim.things[kinds[turn % len(kinds)]]
        yield foreign
        if turn == 0:
            taken = {form.add_prefix(name): _chosen(form, name, field) for name, field in form.fields.items()}
            yield from ({**taken, one: foreign[one]} for one in foreign)


def anyway(victim: Side) -> Iterator[dict[str, Any]]:
    """Bodies with every name that a field could have, whatever the page's form says."""
    fields = {name: [kind.name for kind in KINDS if kind.fits(name)] or ["server"] for name in NAMES}
    rest = {"name": "mine", "protocol": "tcp", "direction": "ingress", "ip_version": "4", "cidr": "10.9.9.0/24", "source": "image"}  # fmt: skip
    yield {}
    for turn in range(3):
        yield {**{name: victim.things[kinds[turn % len(kinds)]] for name, kinds in fields.items()}, **rest}


def assail(client: Client, victim: Side, attacker: Side) -> list[str]:
    """What answers told of the victim, and those that are 5xx."""
    marks = views.marks_of(victim) - set(victim.things.values())  # those are given, and come back
    told: list[str] = []

    def judge_one(what: str, answer: Any, *given: str) -> None:
        if answer.status_code >= 500:
            told.append(f"{what} → {answer.status_code}")
        if seen := found(marks, content(answer), *given):
            told.append(f"{what} → {answer.status_code} {seen}")

    for path, value in paths(victim, attacker):
        shown = client.get(path)
        judge_one(f"GET {path}", shown, value)
        form = (shown.context or {}).get("form") if shown.status_code == 200 else None
        for body in (*anyway(victim), *(bodies_of(form, victim) if form is not None else ())):
            given = [value, *(str(one) for one in body.values())]
            judge_one(f"POST {path} {str(body)[:200]}", client.post(path, body, HTTP_HX_REQUEST="true"), *given)
    return told


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_foreign_id_in_any_form_reaches_anything(
    written: Document, world: Cloud, sides: tuple[Side, Side], enter: Callable[[Side], Client]
) -> None:
    """A1 to A3, their kind in the portal: each form and button, with another project's ids in its path and its fields."""
    victim, attacker = sides
    client = enter(attacker)
    client.raise_request_exception = False
    before = _shown(written, victim)
    told = assail(client, victim, attacker)
    world.settle()
    after = _shown(written, victim)
    told += [f"{path} of the victim is another" for path in before if after.get(path) != before[path]]
    told += judge(written, world, victim, attacker, client)
    assert not told, f"{len(told)}:\n" + "\n".join(told[:40])


def _shown(written: Document, side: Side) -> dict[str, str]:
    """What the side's own API says; usage grows by itself."""
    return {path: text for path, text in views.routes(written.data, side) if "usage" not in path}
