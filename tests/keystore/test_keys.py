"""The key store: keys by id, wrapped in the database, and what version 0.1 encrypted without it."""

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from authorization.context import RequestContext
from common.clock import now
from hostagent.process import keyfile
from identity.auth import totp
from identity.credentials import fields, services
from identity.credentials.places import BLOB
from identity.models import Credential, Project, User
from identity.signin.mfa import recovery
from keystore import columns, encryption, keys, rotation, secret
from keystore.models import Key

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path, db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cloud whose secret is OLD, in a file."""
    path = tmp_path / "secret"
    settings.SECRET_FILE, settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = path, OLD, []
    path.write_text(OLD)
    monkeypatch.setattr(keyfile, "LOOK", 0.0)
    secret.forget()
    yield path
    secret.forget()


def test_a_key_is_asked_for_by_its_id_until_it_is_removed() -> None:
    volume, other = keys.make("volume", project_id="p"), keys.make("volume", project_id="p")
    found = keys.material(volume.id)
    assert len(found) == 32 and found == keys.material(volume.id) != keys.material(other.id)
    assert found.hex() not in Key.objects.get(pk=volume.id).wrapped
    keys.remove(volume.id)
    keys.remove(volume.id)
    with pytest.raises(keys.DataKeyUnknown):
        keys.material(volume.id)


def test_a_rotation_wraps_what_others_hold_anew_and_leaves_the_key_itself(store: Path) -> None:
    volume = keys.make("volume")
    found = keys.material(volume.id)
    store.write_text(f"{NEW}\n{OLD} retired\n")
    assert keys.material(volume.id) == found, "before, also while both secrets count"
    rotation.rotate(lambda line: None)
    assert keys.material(volume.id) == found, "during"
    store.write_text(NEW)
    assert keys.material(volume.id) == found, "after"
    assert Key.objects.get(pk=volume.id).wrapped != volume.wrapped


def test_a_key_of_a_lost_secret_says_what_helps(store: Path) -> None:
    volume = keys.make("volume")
    keys.material(volume.id)
    store.write_text(NEW)
    with pytest.raises(keys.DataKeyLost, match="Restore keys/secret"):
        keys.material(volume.id)


def test_a_rotation_that_is_killed_midway_leaves_every_row_readable(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each text in turn: old and new keys are both there, and the next run does the rest."""

    class Killed(BaseException): ...

    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    user = User.objects.create(name="u", domain=domain)
    for n in range(3):
        text = encryption.encrypt(f"text {n}", BLOB(f"t{n}"))
        Credential.objects.create(id=f"t{n}", user=user, type=f"t{n}", encrypted_blob=text)

    def readable() -> bool:
        rows = Credential.objects.order_by("type").values_list("id", "encrypted_blob")
        return [encryption.decrypt(text, BLOB(id)) for id, text in rows] == ["text 0", "text 1", "text 2"]

    monkeypatch.setattr(columns, "BATCH", 1)  # a transaction a row
    store.write_text(f"{NEW}\n{OLD} retired\n")
    real, left = encryption.encrypt, [0]

    def until_killed(text: str, place: encryption.Place) -> str:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(text, place)

    monkeypatch.setattr(encryption, "encrypt", until_killed)
    for after in (0, 1, 1):
        left[0] = after
        with pytest.raises(Killed):
            rotation.rotate(lambda line: None)
        assert readable() and Key.objects.filter(is_active=True).count() == 1
    assert Key.objects.count() == 2, "no third one is made"
    monkeypatch.setattr(encryption, "encrypt", real)
    rotation.rotate(lambda line: None)
    store.write_text(NEW)
    assert readable() and columns.keys_in_use() == {encryption.active().id}


def test_what_version_0_1_encrypted_is_read_and_encrypted_anew(store: Path) -> None:
    former = secret.fernet(encryption.FORMER_PURPOSE).encrypt(b"seed").decode()
    assert encryption.decrypt(former, BLOB("anywhere")) == "seed"
    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    row = Credential.objects.create(
        user=User.objects.create(name="u", domain=domain), type="totp", encrypted_blob=former
    )
    assert rotation.rotate(lambda line: None) == 1
    row.refresh_from_db()
    assert row.encrypted_blob.startswith(encryption.BOUND)
    assert encryption.decrypt(row.encrypted_blob, BLOB(row.pk)) == "seed"


def test_a_key_whose_transaction_ended_during_a_rotation_is_not_lost_with_the_old_secret(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = keys.make("volume")
    Key.objects.filter(pk=late.pk).delete()
    store.write_text(f"{NEW}\n{OLD} retired\n")
    monkeypatch.setattr(columns, "encrypt_anew", lambda say: Key.objects.bulk_create([late]) and 0)
    rotation.rotate(lambda line: None)
    store.write_text(NEW)
    assert len(keys.material(late.pk)) == 32


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        "sealed:",
        "sealed::",
        "sealed:x",
        "gAAAA",
        "sealed:%s:",
        "sealed:2:",
        "sealed:2:%s:",
        "sealed:2:%s:é",
        "cut",
        "long",
    ],
)
def test_a_spoiled_text_is_refused_with_a_sentence(store: Path, spoiled: str, caplog: pytest.LogCaptureFixture) -> None:
    text = encryption.encrypt("the secret itself", BLOB("a"))
    key = encryption.key_of(text)
    spoiled = {"cut": text[:-9], "long": text[:-9] + "A" * 100_000}.get(spoiled, spoiled.replace("%s", key))
    sentence = (
        "another place in the database, or is damaged"
        if key in spoiled and "2:" in spoiled.replace(key, "")
        else "no key of this cloud"
    )
    with pytest.raises(encryption.Unopenable, match=sentence):
        encryption.decrypt(spoiled, BLOB("a"))
    assert "the secret itself" not in caplog.text and text not in caplog.text


def test_one_row_that_no_key_opens_stops_neither_a_list_nor_a_sign_in(store: Path) -> None:
    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    user = User.objects.create(name="u", domain=domain)
    lost = encryption.encrypt("JBSWY3DPEHPK3PXP", BLOB("a"))
    Key.objects.all().delete()
    rows = [
        Credential.objects.create(id=id, user=user, type="totp", encrypted_blob=text)
        for id, text in (("a", lost), ("b", encryption.encrypt("JBSWY3DPEHPK3PXP", BLOB("b"))))
    ]
    assert [fields.blob_of(row) for row in rows] == ["", "JBSWY3DPEHPK3PXP"]
    Credential.objects.create(user=user, type="ec2", encrypted_blob=lost)
    good = encryption.encrypt('{"access": "a", "secret": "s"}', BLOB("c"))
    Credential.objects.create(id="c", user=user, type="ec2", encrypted_blob=good)
    listed = services.list_ec2(RequestContext.internal("a test"), user.id)
    assert [one["access"] for one in listed] == ["a"]
    assert not totp._spend_any(user, "000000x")
    step = int(time.time()) // totp.STEP
    code = TOTP(base64.b32decode("JBSWY3DPEHPK3PXP"), 6, SHA1(), totp.STEP, enforce_key_length=False)
    assert totp._spend_any(user, code.generate(step * totp.STEP).decode())


def test_a_text_of_a_key_that_is_gone_opens_to_nobody() -> None:
    text = encryption.encrypt("x", BLOB("a"))
    keys.remove(encryption.key_of(text))
    with pytest.raises(InvalidToken):
        encryption.decrypt(text, BLOB("a"))


# ── Places ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def a_user() -> User:
    return User.objects.create(name="u", domain=Project.objects.create(name="d", is_domain=True, domain_id=None))


def unbound(text: str) -> str:
    """A text as it was encrypted before texts had a place."""
    row = Key.objects.filter(purpose=encryption.UNBOUND_PURPOSE).first() or keys.make(
        encryption.UNBOUND_PURPOSE, is_active=True
    )
    return f"sealed:{row.id}:{encryption._cipher(keys.material(row.id)).encrypt(text.encode()).decode()}"


def test_a_text_that_was_moved_to_another_row_or_column_does_not_open_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever could write the database could give one user's second factor to another."""
    user = a_user()
    text = encryption.encrypt("JBSWY3DPEHPK3PXP", BLOB("theirs"))
    theirs = Credential.objects.create(id="theirs", user=user, type="totp", encrypted_blob=text)
    mine = Credential.objects.create(id="mine", user=user, type="totp", encrypted_blob=text)
    assert [fields.blob_of(row) for row in (theirs, mine)] == ["JBSWY3DPEHPK3PXP", ""]
    elsewhere = (BLOB("mine"), encryption.Place("identity.Client", "encrypted_secret", "theirs"))
    for place in (*elsewhere, encryption.Place("identity.Credential", "extra", "theirs")):
        with pytest.raises(encryption.Misplaced, match="encrypted for another place"):
            encryption.decrypt(text, place)
    assert "JBSWY3DPEHPK3PXP" not in caplog.text
    said: list[str] = []
    columns.encrypt_anew(said.append)
    assert not [line for line in said if "theirs" in line], "nothing is to be done"
    Key.objects.filter(is_active=True).update(made_under="another")
    rotation.rotate(said.append)
    assert [line for line in said if "another place" in line] == [
        "identity.Credential mine: it was encrypted for another place, or is damaged"
    ]
    theirs.refresh_from_db()
    assert encryption.decrypt(theirs.encrypted_blob, BLOB("theirs")) == "JBSWY3DPEHPK3PXP"


def test_a_text_of_before_opens_and_is_bound_when_it_is_written_or_by_a_rotation(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by one that is killed after each row in turn; then nothing that is bound to no place opens any more."""

    class Killed(BaseException): ...

    user, former = a_user(), [unbound(f"text {n}") for n in range(3)]
    for n, text in enumerate(former):
        Credential.objects.create(id=f"t{n}", user=user, type="t", encrypted_blob=text)

    def opened() -> list[str]:
        return [fields.blob_of(row) for row in Credential.objects.order_by("pk")]

    def bound() -> int:
        return Credential.objects.filter(encrypted_blob__startswith=encryption.BOUND).count()

    assert opened() == ["text 0", "text 1", "text 2"] and bound() == 0
    services.CREDENTIALS.update(RequestContext.internal("a test"), "t0", {"blob": "new"})
    assert opened() == ["new", "text 1", "text 2"] and bound() == 1
    assert not Key.objects.filter(purpose=encryption.UNBOUND_PURPOSE, is_active=True).exists()
    monkeypatch.setattr(columns, "BATCH", 1)
    store.write_text(f"{NEW}\n{OLD} retired\n")
    real, left = encryption.encrypt, [0]

    def until_killed(text: str, place: encryption.Place) -> str:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(text, place)

    monkeypatch.setattr(encryption, "encrypt", until_killed)
    for after in (0, 2):
        left[0] = after
        with pytest.raises(Killed):
            rotation.rotate(lambda line: None)
        assert opened() == ["new", "text 1", "text 2"]
    assert bound() == 2
    monkeypatch.setattr(encryption, "encrypt", real)
    assert rotation.rotate(lambda line: None) == 1
    assert opened() == ["new", "text 1", "text 2"] and bound() == 3
    store.write_text(NEW)
    Key.objects.filter(is_active=False).update(retired_at=now() - timedelta(days=2))
    assert rotation.forget_retired(now()) == 2 and opened() == ["new", "text 1", "text 2"]
    Credential.objects.filter(pk="t1").update(encrypted_blob=former[1])
    assert opened()[1] == "", "an old text, put back from a copy of the database"


def test_a_key_of_bound_texts_opens_none_that_is_bound_to_no_place() -> None:
    """Or who has one such key's text could be moved about as before."""
    text = encryption.encrypt("x", BLOB("a"))
    id = encryption.key_of(text)
    forged = f"sealed:{id}:{encryption._cipher(keys.material(id)).encrypt(b'x').decode()}"
    for other in (forged, text.replace("sealed:2:", "sealed:")):
        with pytest.raises(encryption.Unopenable):
            encryption.decrypt(other, BLOB("a"))


def test_recovery_codes_are_their_user_s() -> None:
    """django-allauth keeps them, and says of nobody whose they are."""
    one = a_user()
    two = User.objects.create(name="v", domain=one.domain)
    codes = recovery.make(one)
    recovery.make(two)
    assert recovery.left(one.pk) == recovery.left(two.pk) == 10
    of_one = Authenticator.objects.get(user_id=one.pk)
    Authenticator.objects.filter(user_id=two.pk).update(data=of_one.data)
    with pytest.raises(encryption.Misplaced):
        recovery.use(two, codes[0], source="a test")
    assert recovery.use(one, codes[0], source="a test") and recovery.left(one.pk) == 9
