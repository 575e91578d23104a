"""Security keys and passkeys: what they open, and what they do not."""

import pytest
from django.test import Client

from identity.models import User
from identity.signin.mfa import services as mfa
from tests.authenticator import Key
from tests.portal.conftest import PASSWORDS

HERE = {"host": "localhost"}


def browser() -> Client:
    return Client(headers=HERE)


def enter(name: str = "demo") -> Client:
    client = browser()
    client.post("/sign-in", {"username": name, "password": PASSWORDS[name]})
    return client


def register(client: Client, *, passkey: bool) -> Key:
    key, sent = Key(), {"passkey": "1"} if passkey else {}
    options = client.post("/settings/security/keys/options", sent).json()
    answer = client.post("/settings/security/keys/add", {**sent, "name": "Blue", "credential": key.create(options)})
    assert answer.status_code == 200 and b'class="codes"' in answer.content, answer.content
    return key


def half_way() -> Client:
    client = browser()
    assert b"data-webauthn" in client.post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"]}).content
    assert client.get("/").status_code == 302
    return client


def options_of(client: Client) -> dict[str, object]:
    found: dict[str, object] = client.post("/sign-in/key").json()
    return found


@pytest.fixture
def key(cloud_rows: None) -> Key:
    return register(enter(), passkey=False)


@pytest.fixture
def passkey(cloud_rows: None) -> Key:
    return register(enter(), passkey=True)


def test_a_key_completes_the_password(key: Key) -> None:
    client = half_way()
    answer = client.post("/sign-in", {"credential": key.get(options_of(client), verified=False), "next": "/images"})
    assert answer["Location"] == "/images" and client.get("/images").status_code == 200


def test_a_passkey_signs_in_alone(passkey: Key) -> None:
    client = browser()
    assert client.post("/sign-in", {"credential": passkey.get(options_of(client))}).status_code == 302
    assert client.get("/").status_code == 200


def test_a_plain_key_does_not_sign_in_alone(key: Key) -> None:
    client = browser()
    assert client.post("/sign-in", {"credential": key.get(options_of(client))}).status_code == 401
    assert client.get("/").status_code == 302


def test_an_unchecked_passkey_does_not_ride_on_a_weaker_challenge(passkey: Key, admin: Client) -> None:
    """The challenge for a second factor does not ask for a check of the user; alone, the check is needed all the same."""
    register(enter("admin"), passkey=False)
    client = browser()
    client.post("/sign-in", {"username": "admin", "password": PASSWORDS["admin"]})
    options = options_of(client)
    client.get("/sign-in?fresh=1")
    assert client.post("/sign-in", {"credential": passkey.get(options, verified=False)}).status_code == 401
    assert client.get("/").status_code == 302


def test_an_answer_counts_once_and_only_in_its_browser(passkey: Key) -> None:
    client, other = browser(), browser()
    answer = passkey.get(options_of(client))
    assert other.post("/sign-in", {"credential": answer}).status_code == 401
    assert client.post("/sign-in", {"credential": answer}).status_code == 302
    client.post("/sign-out")
    assert client.post("/sign-in", {"credential": answer}).status_code == 401


def test_a_copy_of_a_key_is_refused(passkey: Key) -> None:
    client = browser()
    assert client.post("/sign-in", {"credential": passkey.get(options_of(client))}).status_code == 302
    passkey.count = 0  # a copy made before the last use
    client = browser()
    assert client.post("/sign-in", {"credential": passkey.get(options_of(client))}).status_code == 401


def test_another_site_s_answer_is_refused(passkey: Key) -> None:
    client = browser()
    options = options_of(client)
    passkey.origin = "http://evil.localhost"
    assert client.post("/sign-in", {"credential": passkey.get(options)}).status_code == 401


def test_a_disabled_user_s_passkey_opens_nothing(passkey: Key) -> None:
    User.objects.filter(name="demo").update(enabled=False)
    client = browser()
    assert client.post("/sign-in", {"credential": passkey.get(options_of(client))}).status_code == 401


def test_a_removed_key_opens_nothing(passkey: Key) -> None:
    client = browser()
    client.post("/sign-in", {"credential": passkey.get(options_of(client))})
    user = User.objects.get(name="demo")
    kept = mfa.of_user(user).keys[0]
    path = f"/settings/security/keys/{kept.pk}/remove"
    assert client.post(path, {"current": "no"}).status_code == 401
    assert client.post(path, {"current": PASSWORDS["demo"]}).status_code == 302
    assert not mfa.of_user(user).any
    client = browser()
    assert client.post("/sign-in", {"credential": passkey.get(options_of(client))}).status_code == 401
