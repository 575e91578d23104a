"""A revocation costs whom it concerns, and nobody else."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Max
from django.test.utils import CaptureQueriesContext

from common.clock import now
from identity import tokens
from identity.models import ChangedFact, Epoch, Revocation
from identity.revocation import services as revocation
from tests.identity.conftest import ADMIN, DEMO, Api, SignIn, password_body, project, user


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of another test's database mean nothing in this one."""
    tokens._cache.clear()
    monkeypatch.setattr(revocation, "_here", revocation._Process())


def plan(sql: str, *params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return " ".join(str(row[-1]) for row in cursor.fetchall())


def events(count: int) -> None:
    at = now() + timedelta(seconds=1)  # younger than every token here
    rows = [
        Revocation(kind="audit_id", subject=f"{number:022x}", issued_before=at, expires_at=at + timedelta(hours=4))
        for number in range(count)
    ]
    Revocation.objects.bulk_create(rows, batch_size=1000)
    revocation.touch()


def validations(text: str, count: int = 30) -> float:
    """CPU seconds of so many validations that nothing is cached for; the least of nine rounds."""
    best = 1e9
    for _round in range(9):
        began = time.process_time()
        for _time in range(count):
            tokens._cache.clear()
            tokens.validate(text)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.sqlite
def test_a_validation_costs_the_same_beside_twenty_thousand_revocations(demo: Api) -> None:
    """C11: 20,000 events cost 40 ms for each validation of an older token."""
    events(1)
    alone = validations(demo.token)
    events_before = Revocation.objects.count()
    Revocation.objects.all().delete()
    events(20_000)
    among = validations(demo.token)
    assert events_before and among < 2 * alone, (alone, among)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        tokens._cache.clear()
        tokens.validate(demo.token)
    (looked,) = [one["sql"] for one in asked if "identity_revocation" in one["sql"] and "MAX" not in one["sql"]]
    assert "SCAN" not in plan(looked), plan(looked)
    newest = str(Revocation.objects.aggregate(newest=Max("issued_before"))["newest"])
    assert newest and "USING COVERING INDEX" in plan('SELECT MAX("issued_before") FROM identity_revocation')


def test_a_logout_voids_what_is_cached_of_that_token_alone(
    demo: Api, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: each logout moved the one epoch and emptied every cache of the cloud."""
    other, again = sign_in("admin", ADMIN), sign_in("demo", DEMO)
    for api in (demo, other, again):
        api.get("/auth/projects")
    built: list[str] = []
    real = tokens.actors.build
    monkeypatch.setattr(tokens.actors, "build", lambda *words, **more: built.append(words[0]) or real(*words, **more))
    epoch = revocation.epoch(fresh=True)
    other.delete("/auth/tokens", x_subject_token=again.token)
    built.clear()
    again.get("/auth/projects", 401)
    assert built == [user("demo").pk]
    demo.get("/auth/projects")
    other.get("/auth/projects")
    assert built == [user("demo").pk] and revocation.epoch(fresh=True) == epoch


@pytest.mark.parametrize("kind", ["user_id", "project_id", "domain_id", "audit_id", "audit_chain_id"])
def test_each_kind_reaches_the_tokens_it_is_of_and_no_others(demo: Api, admin: Api, kind: str) -> None:
    token = tokens.read(demo.token)
    subject = {
        "user_id": token.user_id, "project_id": project("demo").pk, "domain_id": "default",
        "audit_id": token.audit_ids[0], "audit_chain_id": token.audit_ids[-1],
    }[kind]  # fmt: skip
    demo.get("/auth/projects"), admin.get("/auth/projects")
    revocation.revoke(**{kind: subject})
    demo.get("/auth/projects", 401)
    admin.get("/auth/projects", 401 if kind == "domain_id" else 200)


def test_another_process_reads_what_changed_and_nothing_twice(demo: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = revocation.mark(fresh=True)
    facts = tokens.facts_of(tokens.read(demo.token), tokens.validate(demo.token))
    assert revocation.is_current(mark, facts)
    revocation.note(user_id="somebody else")
    assert revocation.is_current(mark, facts, fresh=True)
    revocation.note(user_id=user("demo").pk)
    assert not revocation.is_current(mark, facts, fresh=True)
    assert revocation.is_current(mark, ("user_id:nobody",), fresh=True)
    assert ChangedFact.objects.count() == 2
    revocation.note(user_id=user("demo").pk)
    assert ChangedFact.objects.count() == 2  # one row a fact


def test_a_process_that_was_away_or_met_too_much_forgets_all(demo: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """C11 sibling: changes that nobody read any more, or more than anybody wants to read."""
    mark = revocation.mark(fresh=True)
    revocation._here.read_at -= revocation.KEEP_CHANGES.total_seconds()
    assert not revocation.is_current(mark, ())
    mark = revocation.mark(fresh=True)
    monkeypatch.setattr(revocation, "READ_AT_MOST", 3)
    for number in range(5):
        revocation.note(user_id=str(number))
    assert not revocation.is_current(mark, (), fresh=True)


def test_an_older_database_put_back_voids_what_was_cached(demo: Api) -> None:
    """C11 sibling: numbers that run backwards are another history."""
    revocation.note(user_id="x")
    revocation.mark(fresh=True)
    revocation._here.change = 10**6
    mark = revocation.Mark(revocation._here.epoch, revocation._here.generation, 10**6)
    Epoch.objects.filter(pk=1).update(changes=5)
    assert not revocation.is_current(mark, (), fresh=True)


def test_one_user_makes_only_so_many_revocations(admin: Api, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """C11: 100,000 of them in the tokens' four hours; now the older half becomes one row, and the young tokens live."""
    monkeypatch.setattr(revocation, "OWN_AT_MOST", 10)
    made = [sign_in("demo", DEMO) for _number in range(25)]
    for api in made[:20]:
        admin.delete("/auth/tokens", x_subject_token=api.token)
    assert Revocation.objects.filter(owner=user("demo").pk).count() <= 10
    assert Revocation.objects.filter(kind="user_id").count() == 1
    for api in made[:20]:
        api.get("/auth/projects", 401)
    for api in made[20:]:
        api.get("/auth/projects", 200)


def test_one_user_has_one_row_however_often(seeded: None) -> None:
    for _time in range(5):
        revocation.revoke(user_id=user("demo").pk)
    row = Revocation.objects.get()
    assert now() - row.issued_before < timedelta(seconds=5) and row.kind == "user_id"


def test_what_is_over_is_forgotten(seeded: None) -> None:
    revocation.revoke(user_id="x")
    Revocation.objects.update(expires_at=now() - timedelta(seconds=1))
    ChangedFact.objects.update(changed_at=now() - 2 * revocation.KEEP_CHANGES)
    assert revocation.prune() == 2 and password_body("x", "y")
