"""Portal sessions go the same way as tokens."""

from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from common.errors import Unauthorized
from identity.assignments import services as assignments
from identity.signin import sessions
from tests.identity.conftest import DEMO, Api, project, role, user


@pytest.fixture
def request_(seeded: None) -> Any:
    request = RequestFactory().post("/sign-in")
    request.session = SessionStore()
    request.session.create()
    return request


def test_signing_in_opens_a_session_in_the_default_project(request_: Any) -> None:
    assert sessions.actor_from_session(request_) is None
    actor = sessions.sign_in(request_, "demo", DEMO, "Default")
    assert actor.project_name == "demo" and actor.roles == {"member", "reader"}
    again = sessions.actor_from_session(request_)
    assert again is not None and again.user_id == actor.user_id


@pytest.mark.parametrize("wrong", [("demo", "x", "Default"), ("nobody", DEMO, "Default"), ("demo", DEMO, "elsewhere")])
def test_wrong_words_do_not(request_: Any, wrong: tuple[str, str, str]) -> None:
    with pytest.raises(Unauthorized):
        sessions.sign_in(request_, *wrong)
    assert sessions.actor_from_session(request_) is None


def test_switching_goes_only_where_one_has_a_role(request_: Any) -> None:
    sessions.sign_in(request_, "demo", DEMO)
    with pytest.raises(sessions.NoRoleThere):
        sessions.switch_project(request_, project("admin").pk)
    assignments.grant(role("reader"), on="project", object_id=project("admin").pk, subject_id=user("demo").pk)
    assert sessions.switch_project(request_, project("admin").pk).roles == {"reader"}
    assert {one.name for one in sessions.projects(user("demo").pk)} == {"admin", "demo"}


def test_a_lost_project_moves_the_session_and_a_disabled_user_ends_it(request_: Any, admin: Api) -> None:
    sessions.sign_in(request_, "demo", DEMO)
    one, two = project("demo").pk, project("admin").pk
    assignments.grant(role("reader"), on="project", object_id=two, subject_id=user("demo").pk)
    assignments.revoke(role("member"), on="project", object_id=one, subject_id=user("demo").pk)
    actor = sessions.actor_from_session(request_)
    assert actor is not None and actor.project_id == two
    admin.patch(f"/users/{user('demo').pk}", {"user": {"enabled": False}})
    request_.__dict__.pop("_cached_user", None)
    assert sessions.actor_from_session(request_) is None


def test_a_new_password_ends_the_session(request_: Any) -> None:
    sessions.sign_in(request_, "demo", DEMO)
    sent = {"user": {"original_password": DEMO, "password": "another"}}
    Api().post(f"/users/{user('demo').pk}/password", sent, 204)
    assert sessions.actor_from_session(request_) is None


def test_the_session_s_key_changes_when_signing_in(request_: Any) -> None:
    before = request_.session.session_key
    sessions.sign_in(request_, "demo", DEMO)
    assert request_.session.session_key != before
