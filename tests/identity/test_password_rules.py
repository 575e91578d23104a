"""An operator's rules about passwords: history, expiry, form; read from the environment, kept by every way to a new one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.identity.conftest import DEMO, Api, password_body

pytestmark = pytest.mark.django_db


def demo_id(admin: Api) -> str:
    return str(admin.get("/users?name=demo")["users"][0]["id"])


def change(user_id: str, old: str, new: str, expect: int) -> Any:
    body = {"user": {"original_password": old, "password": new}}
    return Api().call("post", f"/users/{user_id}/password", body, expect)


def test_a_password_of_the_last_three_is_refused(admin: Api, settings: Any) -> None:
    settings.PASSWORD_HISTORY = 3
    user_id = demo_id(admin)
    change(user_id, DEMO, "second", 204)
    change(user_id, "second", "third", 204)
    assert "last 3 passwords" in change(user_id, "third", DEMO, 400).json()["error"]["message"]
    change(user_id, "third", "third", 400)
    change(user_id, "third", "fourth", 204)
    change(user_id, "fourth", DEMO, 204)  # now it is far enough back


def test_a_password_expires_and_can_then_be_changed(admin: Api, settings: Any) -> None:
    settings.PASSWORD_EXPIRES_DAYS = 7
    user = admin.post("/users", {"user": {"name": "brief", "password": "for a week"}})["user"]
    until = datetime.strptime(user["password_expires_at"], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
    assert timedelta(days=6.9) < until - datetime.now(UTC) <= timedelta(days=7)
    from identity.models import User

    User.objects.filter(pk=user["id"]).update(password_expires_at=datetime.now(UTC))
    refused = Api().call("post", "/auth/tokens", password_body("brief", "for a week"), 401)
    assert "expired" in refused.json()["error"]["message"]
    change(user["id"], "for a week", "for another", 204)
    Api().call("post", "/auth/tokens", password_body("brief", "for another"), 201)


def test_a_password_has_the_form_that_is_asked_for(admin: Api, settings: Any) -> None:
    settings.PASSWORD_REGEX = r"(?=.*\d).{8,}$"
    settings.PASSWORD_REGEX_DESCRIPTION = "eight characters, one of them a digit"
    shown = admin.get("/domains/default/config/security_compliance")["config"]["security_compliance"]
    assert shown["password_regex_description"] == settings.PASSWORD_REGEX_DESCRIPTION
    body = {"user": {"name": "plain", "password": "too plain"}}
    refused = admin.call("post", "/users", body, 400)
    assert "one of them a digit" in refused.json()["error"]["message"]
    assert admin.get("/users?name=plain")["users"] == []
    change(demo_id(admin), DEMO, "short 1", 400)
    change(demo_id(admin), DEMO, "long enough 1", 204)
