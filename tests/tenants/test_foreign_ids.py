"""Every id of another project in every field of every write: nothing later shows or reaches anything of that object."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from authorization.context import RequestContext
from compute.servers.create import services as creating
from compute.servers.models import Server
from networking.ports import devices
from networking.ports.models import PortQuerySet
from tests.simulated import Cloud
from tests.tenants import views
from tests.tenants.bodies import BASES, IMAGE_PROPERTIES, Document, Path, fits_pattern, put
from tests.tenants.things import KINDS, Side

#: Texts for people: what is written there comes back as it is and names nothing.
PROSE = {"name", "description", "display_name", "hostname", "dns_name", "dns_domain", "summary", "reason", "type"}
#: What takes the attacker's own things away, or its own way in.
ENDS = {"forceDelete", "password", "original_password", "adminPass"}
WRITES = ("post", "put", "patch")
Pick = Callable[[Path, int], Iterable[str]]


def few(path: Path, turn: int) -> list[str]:
    """The kinds that the field's name speaks of, and one other."""
    names = [part for part in path if part != "[]"]
    fitting = [kind.name for kind in KINDS if names and kind.fits(names[-1])]
    fitting += [kind.name for kind in KINDS if len(names) > 1 and names[-1] in PROSE and kind.fits(names[-2])]
    return [*dict.fromkeys(fitting), KINDS[turn % len(KINDS)].name]


def every(path: Path, turn: int) -> list[str]:
    return [kind.name for kind in KINDS]


def attacks(
    written: Document, attacker: Side, victim: Side, pick: Pick, below: str
) -> Iterator[tuple[str, str, Any, str, str]]:
    """(method, path, body, media, the foreign id in it) of all routes whose path begins so."""
    turn = 0
    for path, operations in written.data["paths"].items():
        if not path.startswith(below):
            continue
        for method in WRITES:
            for media, content in operations.get(method, {}).get("requestBody", {}).get("content", {}).items():
                schema = written.schema(content.get("schema") or {})
                makers = BASES.get((method, path)) or [lambda side, s=schema: written.sample(s, "", side)]
                for place in dict.fromkeys(written.places(schema)):
                    if ENDS & set(place) or not place or (place[-1] in PROSE and "security_groups" not in place):
                        continue
                    turn += 1
                    for kind in pick(place, turn):
                        value = victim.things[kind]
                        if not fits_pattern(written, schema, place, value):
                            continue
                        for make in makers:
                            done = views.fill(path, attacker)
                            yield method, done, put(make(attacker), place, value), media, value
        yield from in_the_path(path, operations, attacker, victim)


def in_the_path(path: str, operations: Any, attacker: Side, victim: Side) -> Iterator[tuple[str, str, Any, str, str]]:
    """The victim's thing where the path has its own, for every method; without a body, or with a least one."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    for name in names:
        ours, theirs = views.fill(path, attacker), views.fill(path, attacker, **{name: views.named(path, name, victim)})
        if ours == theirs:
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if method in operations:
                yield method, theirs, {}, "application/json", views.named(path, name, victim)


def of_images(attacker: Side, victim: Side) -> Iterator[tuple[str, str, Any, str, str]]:
    """Properties that an image's schema does not name, new and changed."""
    media = "application/openstack-images-v2.1-json-patch"
    path = f"/api/image/v2/images/{attacker.one('image')}"
    for name in IMAGE_PROPERTIES:
        for kind in ("image", "snapshot", "server", "project", "user"):
            value = victim.things[kind]
            yield "patch", path, [{"op": "add", "path": f"/{name}", "value": value}], media, value
            yield "post", "/api/compute/v2.1/servers", {"server": _boots(attacker)}, "application/json", value


def _boots(side: Side) -> dict[str, Any]:
    return {"name": "again", "imageRef": side.one("image"), "flavorRef": "tiny", "networks": "none"}


def questions(written: Document, attacker: Side, victim: Side, pick: Pick) -> Iterator[tuple[str, str, str]]:
    """(path, query, the foreign id in it) of all lists."""
    turn = 0
    for path, operations in written.data["paths"].items():
        names = [p["name"] for p in operations.get("get", {}).get("parameters", ()) if p.get("in") == "query"]
        if "{" not in path and path.startswith("/api/network/"):
            names += ["network_id", "device_id", "tenant_id", "router_id", "port_id", "fixed_ips", "security_groups"]
        for name in dict.fromkeys(names):
            turn += 1
            for kind in pick((name,), turn):
                value = victim.things[kind]
                asked = f"subnet_id={value}" if name == "fixed_ips" else value
                yield views.fill(path, attacker), urlencode({name: asked}), value


def found(marks: set[str], text: str, *given: str) -> list[str]:
    """Marks in a text, but for what was given to whom it is told."""
    for value in given:
        text = text.replace(value, "")
    return sorted(mark for mark in marks - set(given) if mark in text)


def content(answer: Any) -> str:
    if getattr(answer, "streaming", False):
        return ""
    return str(answer.content.decode(errors="replace"))


def assail(
    written: Document, world: Cloud, victim: Side, attacker: Side, pick: Pick, below: str = "/api/"
) -> tuple[list[str], int, int]:
    """Do all of it. (what answers told, requests, how many were taken)."""
    marks = views.marks_of(victim) - set(victim.things.values())  # those are given, and come back
    told: list[str] = []
    count = taken = 0
    asker = attacker.asker
    latest = {"OpenStack-API-Version": "compute latest"}
    for method, path, body, media, value in [
        *attacks(written, attacker, victim, pick, below),
        *of_images(attacker, victim),
    ]:
        answer = asker.ask(method, path, json.dumps(body), media, headers=latest)
        count, taken = count + 1, taken + (answer.status_code < 300)
        assert answer.status_code < 500 or answer.status_code in (501, 503), (method, path, body, answer.content)
        if seen := found(marks, content(answer), value):
            told.append(f"{method} {path} {json.dumps(body)[:200]} → {answer.status_code} {seen}")
        if count % 40 == 0:
            world.settle()
    for path, query, value in questions(written, attacker, victim, pick) if below == "/api/" else ():
        answer = asker.ask("get", path, query=query, headers=latest)
        count += 1
        if seen := found(marks, content(answer), value):
            told.append(f"get {path}?{query} → {answer.status_code} {seen}")
    world.settle()
    return told, count, taken


def judge(written: Document, world: Cloud, victim: Side, attacker: Side, client: Client) -> list[str]:
    """What is told, shown or reached afterwards of either side because of the other."""
    theirs, mine = views.marks_of(victim), views.marks_of(attacker)
    ids = set(victim.things.values())  # given, and shown as the texts that they are: not in what a host is told
    wrong = []
    for view in (*views.STRICT, *views.TOLD):
        marks = theirs if view in views.STRICT else theirs - ids
        for what, text in view(attacker):
            wrong += [f"{what} of the attacker has {mark}" for mark in found(marks, text)]
        for what, text in view(victim):
            wrong += [f"{what} of the victim has {mark}" for mark in found(mine, text)]
    for what, text in (*views.routes(written.data, attacker), *views.pages(client, attacker)):
        wrong += [f"{what} shows {mark}" for mark in found(theirs - ids, text)]
    own = set(Server.objects.filter(project_id=attacker.project).values_list("id", flat=True))
    for host, verb, order in world.orders:
        told = json.dumps(views.bare(order["body"]))
        if order["body"].get("server_id") in own:
            wrong += [f"order {verb} to {host} has {mark}" for mark in found(theirs, told)]
    return wrong


def run(written: Document, world: Cloud, sides: tuple[Side, Side], enter: Any, pick: Pick) -> tuple[int, int]:
    victim, attacker = sides
    client = enter(attacker)
    assert judge(written, world, victim, attacker, client) == [], "before anything was done"
    told, count, taken = assail(written, world, victim, attacker, pick)
    told += judge(written, world, victim, attacker, client)
    assert not told, f"{len(told)}:\n" + "\n".join(told[:40])
    return count, taken


@pytest.mark.timeout(600)
def test_no_foreign_id_in_any_write_reaches_anything(
    written: Document, world: Cloud, sides: tuple[Side, Side], enter: Callable[[Side], Client]
) -> None:
    """A1, A2, A3 as a kind: each field gets the ids that its name speaks of; then orders, metadata, fetches, lists and
    pages of both projects are read, and no mark of the one is in anything of the other."""
    count, taken = run(written, world, sides, enter, few)
    assert count > 1500, f"only {count} requests"
    assert taken > 100, f"only {taken} of {count} were taken: they do not get far"


def _believe_texts(monkeypatch: pytest.MonkeyPatch) -> str:
    """Ports as they were at first: whose they are is a text."""
    monkeypatch.setattr(devices, "require_own", lambda *_: None)
    monkeypatch.setattr(PortQuerySet, "of_server", lambda rows, server: rows.filter(device_id=server.id))
    return "/api/network/v2.0/ports"


def _read_any_image(monkeypatch: pytest.MonkeyPatch) -> str:
    """Images as they were at first: what a property names is read."""
    everybody = RequestContext.internal("test")
    found = creating._active_image
    monkeypatch.setattr(creating, "_active_image", lambda actor, id: found(everybody, id))
    return "/api/image/v2/images/nothing"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("hole", [_believe_texts, _read_any_image])
def test_the_property_sees_a_hole(
    written: Document, world: Cloud, sides: tuple[Side, Side], enter: Any, monkeypatch: pytest.MonkeyPatch, hole: Any
) -> None:
    """The property fails where it must: with one check taken out it names what got through."""
    victim, attacker = sides
    told, _count, _taken = assail(written, world, victim, attacker, few, hole(monkeypatch))
    told += judge(written, world, victim, attacker, enter(attacker))
    assert told


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_foreign_id_in_every_field_of_every_write(
    written: Document, world: Cloud, sides: tuple[Side, Side], enter: Callable[[Side], Client]
) -> None:
    """A1, A2, A3 as a kind, with every id in every field."""
    run(written, world, sides, enter, every)
