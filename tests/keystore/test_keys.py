"""The key store: keys by id, wrapped in the database, and what version 0.1 encrypted without it."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from authorization.context import RequestContext
from hostagent.process import keyfile
from identity.auth import totp
from identity.credentials import fields, services
from identity.models import Credential, Project, User
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
        Credential.objects.create(user=user, type=f"t{n}", encrypted_blob=encryption.encrypt(f"text {n}"))

    def readable() -> bool:
        rows = Credential.objects.order_by("type").values_list("encrypted_blob", flat=True)
        return [encryption.decrypt(text) for text in rows] == ["text 0", "text 1", "text 2"]

    monkeypatch.setattr(columns, "BATCH", 1)  # a transaction a row
    store.write_text(f"{NEW}\n{OLD} retired\n")
    real, left = encryption.encrypt, [0]

    def until_killed(text: str) -> str:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(text)

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
    assert encryption.decrypt(former) == "seed"
    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    row = Credential.objects.create(
        user=User.objects.create(name="u", domain=domain), type="totp", encrypted_blob=former
    )
    assert rotation.rotate(lambda line: None) == 1
    row.refresh_from_db()
    assert row.encrypted_blob.startswith(encryption.PREFIX) and encryption.decrypt(row.encrypted_blob) == "seed"


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
    "spoiled", ["", "sealed:", "sealed::", "sealed:x", "gAAAA", "sealed:%s:", "sealed:%s:é", "cut", "long"]
)
def test_a_spoiled_text_is_refused_with_a_sentence(store: Path, spoiled: str, caplog: pytest.LogCaptureFixture) -> None:
    text = encryption.encrypt("the secret itself")
    key = encryption.key_of(text)
    spoiled = {"cut": text[:-9], "long": text[:-9] + "A" * 100_000}.get(spoiled, spoiled.replace("%s", key))
    with pytest.raises(encryption.Unopenable, match="opens with no key of this cloud"):
        encryption.decrypt(spoiled)
    assert "the secret itself" not in caplog.text and text not in caplog.text


def test_one_row_that_no_key_opens_stops_neither_a_list_nor_a_sign_in(store: Path) -> None:
    domain = Project.objects.create(name="d", is_domain=True, domain_id=None)
    user = User.objects.create(name="u", domain=domain)
    lost = encryption.encrypt("JBSWY3DPEHPK3PXP")
    Key.objects.all().delete()
    rows = [
        Credential.objects.create(user=user, type="totp", encrypted_blob=text)
        for text in (lost, encryption.encrypt("JBSWY3DPEHPK3PXP"))
    ]
    assert [fields.blob_of(row) for row in rows] == ["", "JBSWY3DPEHPK3PXP"]
    Credential.objects.create(user=user, type="ec2", encrypted_blob=lost)
    Credential.objects.create(
        user=user, type="ec2", encrypted_blob=encryption.encrypt('{"access": "a", "secret": "s"}')
    )
    listed = services.list_ec2(RequestContext.internal("a test"), user.id)
    assert [one["access"] for one in listed] == ["a"]
    assert not totp._spend_any(user, "000000x")
    step = int(time.time()) // totp.STEP
    code = TOTP(base64.b32decode("JBSWY3DPEHPK3PXP"), 6, SHA1(), totp.STEP, enforce_key_length=False)
    assert totp._spend_any(user, code.generate(step * totp.STEP).decode())


def test_a_text_of_a_key_that_is_gone_opens_to_nobody() -> None:
    text = encryption.encrypt("x")
    keys.remove(encryption.key_of(text))
    with pytest.raises(InvalidToken):
        encryption.decrypt(text)
