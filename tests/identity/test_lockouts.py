"""Guessing pauses who guesses, and nobody whose name they guess at."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from identity.appcreds import secrets
from identity.auth import attempts, passwords, totp
from identity.auth.attempts import FailedAttempts, WrongPassword
from identity.auth.services import sign_in as prove
from identity.models import ApplicationCredential, FailedTry
from identity.signin.mfa import recovery
from tests.identity.conftest import ADMIN, DEMO, Api, password_body, user

HERE, THERE = "192.0.2.7", "198.51.100.9"


def ask(body: Any, source: str, expect: int | None = None) -> Any:
    return Api().call("post", "/auth/tokens", body, expect, x_forwarded_for=source)


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.LOCKOUT_FAILURES, settings.LOCKOUT_SECONDS = 3, 60


def later(seconds: float) -> None:
    for row in FailedTry.objects.all():
        FailedTry.objects.filter(pk=row.pk).update(failed_at=row.failed_at - timedelta(seconds=seconds))


def test_who_guesses_pauses_and_not_whose_name_it_is(seeded: None) -> None:
    """C1: ten wrong passwords each five minutes kept `admin` out for ever."""
    for _try in range(4):
        ask(password_body("admin", "wrong"), THERE, 401)
    ask(password_body("admin", ADMIN), THERE, 401)
    ask(password_body("admin", ADMIN), HERE, 201)
    ask(password_body("demo", DEMO), THERE, 201)


def test_a_pause_is_longer_each_time_up_to_a_day(seeded: None) -> None:
    """C1: guessing on at the pace of the pauses comes to a few tries a day."""
    waits = []
    for _pause in range(14):
        for _try in range(3):
            waits.append(FailedAttempts("password", "x", source=THERE).failed().wait)
        later(waits[-1] + 1)
    paused = waits[2::3]
    assert [round(wait, -1) for wait in paused[:4]] == [60, 120, 240, 480]
    assert max(paused) <= attempts.LONGEST_PAUSE.total_seconds() and paused[-1] > 80_000


def test_a_source_that_goes_from_name_to_name_runs_into_a_bound(seeded: None) -> None:
    """C1: one password tried at all names; others still come in, and the bound runs off by itself."""
    for number in range(3 * attempts.SOURCE_FACTOR):
        assert not FailedAttempts("password", f"name-{number}", source=THERE).failed().wait or number > 28
    assert FailedAttempts("password", "never tried", source=THERE).paused
    assert FailedAttempts("totp", "another kind", source=THERE).paused
    assert not FailedAttempts("password", "never tried", source=HERE).paused
    ask(password_body("demo", DEMO), THERE, 401)
    later(30)
    ask(password_body("demo", DEMO), THERE, 201)


def test_all_addresses_of_an_ipv6_network_are_one_source(seeded: None) -> None:
    """C1 sibling: who has a /64 has 2^64 addresses; an IPv4 one in IPv6's spelling is the same one."""
    for number in range(3):
        FailedAttempts("password", "x", source=f"2001:db8:0:1::{number}").failed()
    assert FailedAttempts("password", "x", source="2001:db8:0:1:ffff::1").paused
    assert not FailedAttempts("password", "x", source="2001:db8:0:2::1").paused
    FailedAttempts("password", "y", source="::ffff:192.0.2.7").failed()
    assert FailedAttempts("password", "y", source="192.0.2.7").left == 2


def test_a_success_forgets_own_mistakes_and_no_guesses_of_others(seeded: None) -> None:
    for _try in range(2):
        ask(password_body("demo", "wrong"), HERE, 401)
        ask(password_body("demo", "wrong"), THERE, 401)
    ask(password_body("demo", DEMO), HERE, 201)
    ask(password_body("demo", "wrong"), HERE, 401)
    ask(password_body("demo", DEMO), HERE, 201)
    ask(password_body("demo", "wrong"), THERE, 401)
    ask(password_body("demo", DEMO), THERE, 401)


def test_names_that_exist_and_names_that_do_not_are_counted_alike(seeded: None) -> None:
    found: dict[str, list[tuple[int, int]]] = {}
    for name in ("demo", "nobody"):
        for _try in range(5):
            with pytest.raises(WrongPassword) as error:
                passwords.check("wrong", name=name, domain="default", source=f"{HERE}{name}")
            found.setdefault(name, []).append((error.value.left, error.value.wait // 5))
    assert found["demo"] == found["nobody"] and found["demo"][-1][1] > 0


def test_two_tries_at_once_count_twice(seeded: None) -> None:
    one, two = FailedAttempts("password", "x", source=HERE), FailedAttempts("password", "x", source=HERE)
    one.failed()
    first, second = FailedAttempts("password", "x", source=HERE), FailedAttempts("password", "x", source=HERE)
    first.failed(), second.failed(), two
    assert FailedAttempts("password", "x", source=HERE).left == 0


def test_the_table_empties_itself(seeded: None) -> None:
    """C1: names that are made up leave rows for minutes, pauses for two days."""
    for number in range(20):
        FailedAttempts("password", f"made-up-{number}", source=f"10.0.0.{number}").failed()
    for _try in range(3):
        FailedAttempts("password", "demo", source=THERE).failed()
    later(121)
    attempts.prune()
    assert FailedTry.objects.count() == 1
    later(attempts.MEMORY.total_seconds())
    attempts.prune()
    assert not FailedTry.objects.exists()


# ── Application credentials ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def robot(demo: Api) -> Callable[..., str]:
    """robot("secret") makes an application credential of demo's with it and returns its id."""

    def make(secret: str | None = None) -> str:
        asked = {"name": f"robot-{secret}", **({"secret": secret} if secret else {})}
        path = f"/users/{user('demo').pk}/application_credentials"
        made = demo.post(path, {"application_credential": asked})["application_credential"]
        assert not secret or made["secret"] == secret
        return str(made["id"])

    return make


def app_body(id: str, secret: str) -> Any:
    return {
        "auth": {
            "identity": {"methods": ["application_credential"], "application_credential": {"id": id, "secret": secret}}
        }
    }


def test_guessing_the_secret_of_an_application_credential_pauses(robot: Callable[..., str]) -> None:
    """C1: 300 tries in 0.17 s, then the right one passed."""
    id = robot("word")
    for _try in range(3):
        ask(app_body(id, "wrong"), THERE, 401)
    ask(app_body(id, "word"), THERE, 401)
    ask(app_body(id, "word"), HERE, 201)


def test_a_secret_that_a_user_chose_is_hashed_slowly(
    robot: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1: whoever reads the table tries no dictionary; what is wrong costs one slow hash, whether it exists or not."""
    chosen, made = robot("word"), robot()
    rows = {row.pk: row.secret for row in ApplicationCredential.objects.all()}
    assert rows[chosen].startswith("argon2") and "$" not in rows[made]
    slow: list[str] = []
    real = secrets.check_password
    monkeypatch.setattr(secrets, "check_password", lambda *words: slow.append(words[1]) or real(*words))
    for number, id in enumerate((chosen, made, "0" * 32)):
        ask(app_body(id, "wrong"), HERE, 401)
        assert len(slow) == number + 1 and slow[-1].startswith("argon2"), id


def test_a_chosen_secret_of_before_is_hashed_slowly_at_its_next_use(robot: Callable[..., str]) -> None:
    """C1 sibling: rows that an older version wrote."""
    id = robot()
    ApplicationCredential.objects.filter(pk=id).update(secret=secrets.hashed("word", chosen=False))
    ask(app_body(id, "word"), HERE, 201)
    assert ApplicationCredential.objects.get(pk=id).secret.startswith("argon2")
    ask(app_body(id, "word"), HERE, 201)


# ── Codes, receipts, EC2 keys ───────────────────────────────────────────────────────────────────────────────────────


def test_codes_of_others_sources_lock_nobody_who_knows_the_password(
    seeded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1: a passcode alone may be tried by anybody; ten wrong ones locked the secret for its owner too."""
    demo = user("demo")
    demo.credentials.create(type="totp", encrypted_blob="x")
    monkeypatch.setattr(totp, "decrypt", lambda blob, place: "secret")
    monkeypatch.setattr(totp, "fits", lambda secret, passcode, moment: passcode == "123456")
    for number in range(3):
        assert not totp.check(demo, "000000", source=f"203.0.113.{number}", alone=True)
    assert not totp.check(demo, "123456", source=HERE, alone=True)  # from anywhere, and nothing else proven
    assert totp.check(demo, "123456", source=HERE)
    for _try in range(3):
        totp.check(demo, "000000", source=THERE)
    demo.credentials.update(last_step=0)
    assert not totp.check(demo, "123456", source=THERE) and totp.check(demo, "123456", source=HERE)


def test_a_password_is_looked_at_before_the_code_that_comes_with_it(
    seeded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1 sibling: ["totp", "password"] is no code alone."""
    seen: list[bool] = []
    monkeypatch.setattr(totp, "check", lambda *words, source, alone: seen.append(alone) or False)
    body = password_body("demo", DEMO)["auth"]["identity"]
    body |= {"methods": ["totp", "password"], "totp": {"user": {"id": user("demo").pk, "passcode": "1"}}}
    ask({"auth": {"identity": body}}, HERE, 401)
    ask({"auth": {"identity": {**body, "methods": ["totp"]}}}, HERE, 401)
    assert seen == [False, True]


def test_recovery_codes_pause_for_who_guesses_at_them(seeded: None) -> None:
    """C1 sibling: they were counted for the user alone."""
    demo = user("demo")
    codes = recovery.make(demo)
    for _try in range(3):
        assert not recovery.use(demo, "wrong", source=THERE)
    assert not recovery.use(demo, codes[0], source=THERE) and recovery.use(demo, codes[0], source=HERE)
    assert not recovery.use(demo, codes[0], source=HERE)


def test_receipts_that_are_made_up_pause(seeded: None) -> None:
    """C1 sibling."""
    for _try in range(3):
        Api().call(
            "post", "/auth/tokens", password_body("demo", DEMO), 401, openstack_auth_receipt="x", x_forwarded_for=THERE
        )
    assert FailedAttempts("receipt", source=THERE).paused and not FailedAttempts("receipt", source=HERE).paused
    assert prove(password_body("demo", DEMO)["auth"])[0]


def test_an_ec2_secret_cannot_be_a_word(demo: Api) -> None:
    """C1 sibling: who saw one signature tries words against it where nobody counts."""
    for blob in ('{"access": "a", "secret": "word"}', '{"access": "a"}', '{"access": 1, "secret": "0123456789abcdef"}'):
        asked = {"type": "ec2", "blob": blob, "project_id": "x", "user_id": user("demo").pk}
        answer = demo.call("post", "/credentials", {"credential": asked}, 400)
        assert "secret" in answer.content.decode()


def test_pauses_count_from_the_present(seeded: None) -> None:
    assert FailedAttempts("password", "x", source=HERE).wait == timedelta() and FailedTry(failed_at=now()).failures == 0
