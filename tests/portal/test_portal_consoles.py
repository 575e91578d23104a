"""A console that is open ends with the session or the right by which it was opened, and with nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from common.clock import now
from common.console_ticket import given, has_ended, read_console_token
from compute.consoles import logs, services, watch
from compute.servers.models import Server
from identity import sessions
from identity.actors import build
from identity.assignments import services as assignments
from identity.assignments.effective import Scope
from identity.models import PortalSession, Project, Role, User
from identity.projects.services import PROJECTS
from identity.signins import services as signins
from identity.users.services import USERS
from tests.portal.conftest import enter

pytestmark = pytest.mark.django_db
Facts = dict[str, Any]


@pytest.fixture
def server(make_servers: Callable[..., list[Server]]) -> Server:
    return make_servers(1)[0]


def opened(client: Client, server: Server, kind: str = "vnc") -> Facts:
    answer = client.post(f"/instances/{server.pk}/console/{kind}")
    assert answer.status_code == 200, answer.content
    return read_console_token(services.key(), answer.json()["token"], logs.revoked())


def by_token(server: Server) -> Facts:
    """As a client's console address: the actor of a token, which has a moment of issue."""
    demo = User.objects.get(name="demo")
    actor = build(demo.pk, Scope("project", server.project_id), issued_at=now(), audit_ids=("a token's",))
    return read_console_token(services.key(), services.ticket(actor, server_id=server.pk, kind="serial"))


def ended(facts: Facts) -> bool:
    watch.look_again()
    return has_ended(facts, logs.revoked())


def _demo() -> User:
    return User.objects.get(name="demo")


def _row(client: Client) -> PortalSession:
    return PortalSession.objects.get(pk=client.cookies[settings.SESSION_COOKIE_NAME].value)


SESSION_ENDS: dict[str, Callable[[Client], object]] = {
    "signed out": lambda client: client.post("/sign-out"),
    "ended from another": lambda client: signins.end(_demo().pk, signins.name(_row(client).pk)),
    "all ended": lambda client: signins.end_everywhere(_demo().pk),
    "a new password": lambda client: USERS.update(_internal(), _demo().pk, {"password": "another long password"}),
    "its longest time": lambda client: PortalSession.objects.update(ends_at=now() - timedelta(seconds=1)),
}
RIGHT_ENDS: dict[str, Callable[[Client], object]] = {
    "user disabled": lambda client: USERS.update(_internal(), _demo().pk, {"enabled": False}),
    "user deleted": lambda client: USERS.delete(_internal(), _demo().pk),
    "project disabled": lambda client: PROJECTS.update(
        _internal(), Project.objects.get(name="demo").pk, {"enabled": False}
    ),
    "role taken": lambda client: assignments.revoke(
        Role.objects.get(name="member"),
        on="project",
        object_id=Project.objects.get(name="demo").pk,
        subject_id=_demo().pk,
    ),
}


def _internal() -> Any:
    from common.actor import Actor

    return Actor.internal("test")


@pytest.mark.parametrize("how", [*SESSION_ENDS, *RIGHT_ENDS])
def test_a_console_of_the_portal_ends(how: str, demo: Client, server: Server) -> None:
    consoles = [opened(demo, server, kind) for kind in ("vnc", "serial")]
    assert not any(ended(facts) for facts in consoles)
    {**SESSION_ENDS, **RIGHT_ENDS}[how](demo)
    assert all(ended(facts) for facts in consoles)
    assert given(logs.given()) == {}


@pytest.mark.parametrize("how", [*SESSION_ENDS, *RIGHT_ENDS])
def test_a_console_of_a_token_ends_with_its_right_only(how: str, demo: Client, server: Server) -> None:
    facts = by_token(server)
    assert not ended(facts)
    {**SESSION_ENDS, **RIGHT_ENDS}[how](demo)
    assert ended(facts) == (how in RIGHT_ENDS)


def test_another_session_of_the_same_user_ends_nothing(demo: Client, server: Server) -> None:
    facts, other = opened(demo, server), enter("demo")
    theirs = opened(other, server)
    other.post("/sign-out")
    assert ended(theirs) and not ended(facts)


def test_proving_who_one_is_once_more_ends_nothing(demo: Client, server: Server) -> None:
    facts, key = opened(demo, server), _row(demo).pk
    again = demo.post("/sign-in/again", {"password": "demo's password"}, headers={"HX-Request": "true"})
    assert again.status_code < 400 and _row(demo).pk != key
    assert not ended(facts)


def test_a_session_that_waits_for_its_user_ends_nothing(demo: Client, server: Server) -> None:
    """Who types in a console asks the portal for nothing."""
    facts = opened(demo, server)
    PortalSession.objects.update(expire_date=now() - timedelta(seconds=1))
    assert demo.get("/instances").status_code == 302
    assert not ended(facts)


def test_what_is_over_is_forgotten(demo: Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = opened(demo, server)
    assert list(given(logs.given())) == [facts["jti"]]
    moment = facts["exp"] + 1
    monkeypatch.setattr("common.console_ticket.time.time", lambda: moment)
    assert list(given(logs.given())) == []
    assert not ended(facts)


def test_a_token_s_actor_is_no_session(demo: Client) -> None:
    actor = build(_demo().pk, Scope(), issued_at=now(), audit_ids=("a token's",))
    assert sessions.name_of(actor) == ""
