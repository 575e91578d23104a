"""Keys are changed under what uses them: both are known during the change, the old one opens nothing after it (C4).

tests/trouble/test_rotation.py does it to processes that run.
"""

import base64
import re
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection

from cloud import rotation
from common.clock import now
from compute.consoles.models import ConsoleLink, ConsoleTicket, digest
from compute.servers.models import Server
from hostagent.agent.clock import ControlClock
from hostagent.agent.gate import Gate
from hostagent.agent.outbox import Reports
from hostagent.agent.settings import HostSettings
from hostagent.contract import messages
from hostagent.messaging import envelope
from hostagent.process import keyfile
from hosts import services as hosts
from identity import tokenkeys
from identity.appcreds import secrets as appcreds
from identity.credentials.places import BLOB
from identity.domains.models import value_place
from identity.federation.models import CLIENT_SECRET
from identity.models import (
    ApplicationCredential,
    Client,
    Credential,
    DomainOption,
    IdentityProvider,
    PortalSession,
    Project,
    User,
)
from identity.revocation import services as revocation
from identity.signin.store import SessionStore
from keystore import columns, encryption, secret
from keystore.models import Key
from operations import arrivals

OLD = "ab" * 32


@pytest.fixture
def data(settings: Any, tmp_path: Path, db: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DATA, settings.KEYS, settings.TOKEN_KEYS = tmp_path, tmp_path / "keys", tmp_path / "keys" / "tokens"
    settings.SECRET_FILE = tmp_path / "keys" / "secret"
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    (tmp_path / "keys" / "hosts").mkdir(parents=True)
    for path in (settings.SECRET_FILE, tmp_path / "keys" / "hosts" / "h1.key"):
        path.write_text(OLD)
    monkeypatch.setattr(keyfile, "LOOK", 0.0)
    secret.forget()
    return tmp_path


def during(monkeypatch: pytest.MonkeyPatch, look: Callable[[int], None]) -> list[float]:
    """`look(n)` instead of the nth wait; gives what was to be waited."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        look(len(waited))

    monkeypatch.setattr(rotation.time, "sleep", wait)
    return waited


def test_what_a_file_of_keys_says() -> None:
    assert keyfile.parse("") == [] and keyfile.keys_in("a\n") == ("a",)
    assert keyfile.parse("new\n\nold retired\n") == [("new", ""), ("old", "retired")]
    assert keyfile.keys_in("a secret of words\nb staged") == ("a secret of words", "b")


# ── The secret ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sealed(data: Path) -> dict[str, Any]:
    """One of each thing that the cloud's secret seals, signs or hashes."""
    from allauth.mfa.models import Authenticator

    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    user = User.objects.create(name="u", domain=domain)
    for id, text in (("totp", "totp seed"), ("ec2", '{"secret": "x"}')):
        Credential.objects.create(id=id, user=user, type=id, encrypted_blob=encryption.encrypt(text, BLOB(id)))
    password = encryption.encrypt("ldap password", value_place(domain.pk, "ldap", "password"))
    DomainOption.objects.create(domain=domain, group="ldap", option="password", value=password)
    DomainOption.objects.create(domain=domain, group="ldap", option="url", value="ldap://x")
    provider = IdentityProvider.objects.create(id="idp", domain=domain)
    Client.objects.create(provider=provider, encrypted_secret=encryption.encrypt("client secret", CLIENT_SECRET("idp")))
    seed = encryption.encrypt("seed", encryption.Place("mfa.Authenticator", "data", user.pk))
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": seed, "used_mask": 0})
    secret = appcreds.new()
    credential = ApplicationCredential.objects.create(
        user=user, name="c", project_id=domain.pk, secret=appcreds.hashed(secret, chosen=False)
    )
    session = SessionStore()
    session.update({"who": "u"})
    session.create()
    return {"secret": secret, "credential": credential.pk, "session": session.session_key}


def everything_sealed() -> list[str]:
    """Every encrypted text in every table, wherever it stands; the key store's own are apart (`wrapped`)."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names()) - {Key._meta.db_table}:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [
                    text
                    for value in row
                    if isinstance(value, str)
                    for text in re.findall(r"(?:sealed:2:[\w-]{36}:)?gAAAA[\w=-]{60,}", value)
                ]
    return found


def all_open() -> bool:
    """Whether each of `sealed` opens where it stands."""
    from allauth.mfa.models import Authenticator

    for credential in Credential.objects.all():
        encryption.decrypt(credential.encrypted_blob, BLOB(credential.pk))
    option = DomainOption.objects.get(option="password")
    encryption.decrypt(option.value, value_place(option.domain_id, option.group, option.option))
    client = Client.objects.get()
    encryption.decrypt(client.encrypted_secret, CLIENT_SECRET(client.pk))
    factor = Authenticator.objects.get()
    place = encryption.Place("mfa.Authenticator", "data", factor.user_id)
    return encryption.decrypt(factor.data["seed"], place) == "seed"


def wrapped() -> list[str]:
    """The key store's keys, as the database has them."""
    return list(Key.objects.values_list("wrapped", flat=True))


def with_secret(of: str, purpose: str = "keystore.wrapping") -> Fernet:
    return Fernet(base64.urlsafe_b64encode(secret.derived(of, purpose)))


def test_the_secret_is_changed_and_the_old_one_opens_nothing(
    settings: Any, data: Path, sealed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C4: the secret could not be changed at all. Whatever column holds a sealed text, it is sealed anew."""
    before = everything_sealed()
    assert len(before) == 5 and len(wrapped()) == 1
    former = Key.objects.get()

    def look(turn: int) -> None:
        assert encryption.decrypt(Credential.objects.get(type="totp").encrypted_blob, BLOB("totp")) == "totp seed"
        assert SessionStore(sealed["session"]).load() == {"who": "u"}
        assert len(secret.secrets()) == 2

    during(monkeypatch, look)
    said: list[str] = []
    rotation.secret(said.append)
    (new,) = keyfile.keys_in((data / "keys" / "secret").read_text())
    after = everything_sealed()
    assert new != OLD and len(after) == len(before)
    for text in wrapped():
        with_secret(new).decrypt(text.encode())
        with pytest.raises(InvalidToken):
            with_secret(OLD).decrypt(text.encode())
    assert all_open()
    for text in after:
        assert encryption.key_of(text) != former.pk
    rotation.keystore.forget_retired(now())
    assert Key.objects.filter(pk=former.pk).exists(), "a transaction that encrypted with it may still be under way"
    Key.objects.filter(pk=former.pk).update(retired_at=now() - timedelta(hours=2))
    assert rotation.keystore.forget_retired(now()) == 1 and len(wrapped()) == 1
    assert secret.secrets() == (new,) and new == settings.SECRET_KEY
    assert SessionStore(sealed["session"]).load() == {"who": "u"}, "nobody is signed out"
    assert OLD not in "".join(
        path.read_text()
        for path in (data / "keys").rglob("*")
        if path.is_file() and path.parent.name != "hosts" and path.name != "console.key"
    )
    assert columns.registered() and DomainOption.objects.get(option="url").value == "ldap://x"


def test_application_credentials_outlive_two_secrets(
    data: Path, sealed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash cannot be sealed anew: it is known under the old key, which opens nothing else, and made anew at its use."""
    during(monkeypatch, lambda turn: None)
    rotation.secret(lambda line: None)
    rotation.secret(lambda line: None)
    assert appcreds.check(sealed["secret"], id=sealed["credential"]).pk == sealed["credential"]
    (data / "keys" / "hashes").unlink()
    secret.forget()
    appcreds.check(sealed["secret"], id=sealed["credential"])
    with pytest.raises(appcreds.WrongSecret):
        appcreds.check(appcreds.new(), id=sealed["credential"])


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_rotation_that_is_cut_goes_on_where_it_was(
    data: Path, sealed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """C4: cut while it is staged, while it is promoted, and in the midst of sealing."""

    class Cut(Exception): ...

    def look(turn: int) -> None:
        if turn == at:
            raise Cut

    def cut_column(label: str, field: str, say: Any, real: Any = columns._column) -> int:
        if field == "data":
            raise Cut
        return int(real(label, field, say))

    during(monkeypatch, look)
    with monkeypatch.context() as patched:
        patched.setattr(columns, "_column", cut_column)
        with pytest.raises(Cut):
            rotation.secret(lambda line: None)
    cut = keyfile.keys_in((data / "keys" / "secret").read_text())
    assert len(cut) == 2 and OLD in cut
    secret.forget()
    assert all_open()
    during(monkeypatch, lambda turn: None)
    rotation.secret(lambda line: None)
    (new,) = keyfile.keys_in((data / "keys" / "secret").read_text())
    assert {new, OLD} == set(cut), "no third one is made"
    assert all(with_secret(new).decrypt(text.encode()) for text in wrapped())
    assert columns.keys_in_use() == {Key.objects.get(is_active=True).pk}
    assert all_open()


def test_a_secret_that_is_a_setting_is_refused_with_what_helps(settings: Any, data: Path) -> None:
    settings.SECRET_FILE = None
    with pytest.raises(CommandError, match="STACKLING_SECRET_KEY"):
        call_command("keys_rotate", "secret")
    with pytest.raises(CommandError, match="for tokens"):
        call_command("keys_rotate", "hosts", "--now")


# ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hosts_key_is_changed_and_no_order_is_lost(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C4: at every moment of it an order of a moment ago is done, a report of a moment ago counts."""
    path = data / "keys" / "hosts" / "h1.key"
    own = HostSettings("h1", OLD, data / "h1", data / "run", keyfile.KeyFile(path))
    own.data.mkdir()
    refused: list[Any] = []
    clock = ControlClock()
    clock.speaks = 2
    gate = Gate(own, clock, lambda name, facts: refused.append((name, facts)))
    reports = Reports(own, clock)
    seen: set[str] = set()
    kept: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def message() -> tuple[dict[str, Any], dict[str, Any]]:
        key = hosts.key_of("h1") or ""
        seen.add(key)
        order = {"host": "h1", "verb": "host.read", "sent": time.time(), "body": {}}
        report = {
            "host": "h1",
            "kind": "inventory",
            "body": {},
            "boot": "",
            "operation": "",
            "step": "",
            "generation": 0,
            "subject": "",
        }
        return envelope.close(order, key, "order"), reports.close(report)

    def look(turn: int) -> None:
        for order, report in [*kept, message()]:
            assert gate.admit(order) is not None, refused
            assert arrivals._verified(report, hosts.key_of) is not None
        kept[:] = [message()]

    kept.append(message())
    waited = during(monkeypatch, look)
    rotation.hosts(lambda line: None)
    assert waited[-1] >= messages.CAST_LIFE + messages.WINDOW
    order, report = message()
    assert gate.admit(order) and arrivals._verified(report, hosts.key_of)
    assert OLD in seen and len(seen) == 2
    assert (
        gate.admit(envelope.close({"host": "h1", "verb": "host.read", "sent": time.time(), "body": {}}, OLD, "order"))
        is None
    )
    assert arrivals._verified(envelope.close({"host": "h1", "body": {}}, OLD, "report"), hosts.key_of) is None
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    gate.close()


def test_a_key_file_that_is_gone_for_a_moment_leaves_the_agent_its_key(data: Path) -> None:
    keys = keyfile.KeyFile(data / "keys" / "hosts" / "h1.key")
    assert keys.keys() == (OLD,)
    (data / "keys" / "hosts" / "h1.key").unlink()
    assert keys.keys() == (OLD,)
    keyfile.write(data / "keys" / "hosts" / "h1.key", "cd" * 32)
    assert keys.keys() == ("cd" * 32,)


# ── Consoles, tokens ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_opens_consoles_ends(data: Path) -> None:
    """C4: no ticket and no link of before opens anything more; there is no key that could make one."""
    server = Server.objects.create(name="s", project_id="p", user_id="u", flavor={}, image_id=None)
    link = ConsoleLink.objects.create(
        server=server, secret=digest("x"), user_id="u", who={}, expires_at=now() + timedelta(days=1)
    )
    ConsoleTicket.objects.create(id=digest("t"), server=server, kind="vnc", who={}, user_id="u", link=link)
    out = StringIO()
    call_command("keys_rotate", "consoles", stdout=out)
    assert not ConsoleLink.objects.exists() and not ConsoleTicket.objects.exists()
    assert "have ended: 2." in out.getvalue() and "old keys" not in out.getvalue(), "it has none to speak of"


def test_tokens_outlive_their_key_unless_they_must_not(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C4: also what a process remembers of one that it read ends, once every process has the new keys."""
    during(monkeypatch, lambda turn: None)
    remembered = revocation.epoch(fresh=True)
    text = tokenkeys.fernet().encrypt(b"x")
    call_command("keys_rotate", "tokens")
    assert tokenkeys.fernet().decrypt(text) == b"x"
    call_command("keys_rotate", "tokens", "--now")
    with pytest.raises(InvalidToken):
        tokenkeys.fernet().decrypt(text)
    assert revocation.epoch(fresh=True) != remembered
    again = tokenkeys.fernet().encrypt(b"y")
    call_command("keys_rotate", "tokens")
    assert tokenkeys.fernet().decrypt(again) == b"y"
    assert {oct(path.stat().st_mode & 0o777) for path in (data / "keys" / "tokens").iterdir()} == {"0o600"}


def test_sessions_are_signed_with_the_secret(data: Path) -> None:
    """What `sign_anew` is for."""
    session = SessionStore()
    session.update({"who": "u"})
    session.create()
    (data / "keys" / "secret").write_text("cd" * 32)
    assert SessionStore(session.session_key).load() == {}
    assert PortalSession.objects.count() == 1
