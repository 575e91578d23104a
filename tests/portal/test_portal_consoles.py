"""A console that is open ends with the session or the right by which it was opened, and with nothing else."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from common.clock import now
from common.ids import new_id
from compute.consoles import opening, services, watch
from compute.consoles.models import QUIET, ConsoleLink, ConsoleTicket, digest, end_all
from compute.servers.models import Server
from identity.actors import build
from identity.assignments import services as assignments
from identity.assignments.effective import Scope
from identity.models import PortalSession, Project, Role, User
from identity.projects.services import PROJECTS
from identity.revocation import services as revocation
from identity.signin import services as signins
from identity.signin import sessions
from identity.users.services import USERS
from tests.portal.conftest import enter

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(make_servers: Callable[..., list[Server]]) -> Server:
    return make_servers(1)[0]


def opened(client: Client, server: Server, kind: str = "vnc") -> ConsoleTicket:
    """A ticket whose console was opened."""
    row = ConsoleTicket.objects.get(pk=digest(asked(client, server, kind)))
    opening.spend(row)
    return row


def asked(client: Client, server: Server, kind: str = "vnc") -> str:
    answer = client.post(f"/instances/{server.pk}/console/{kind}")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


def by_token(server: Server, **more: Any) -> str:
    """As a client's console address: the actor of a token, which has a moment of issue."""
    demo = User.objects.get(name="demo")
    actor = build(demo.pk, Scope("project", server.project_id), issued_at=now(), audit_ids=("a token's",), **more)
    return services.ticket(actor, server_id=server.pk, kind="serial")


def ended(row: ConsoleTicket) -> bool:
    """Whether the broker would cut it at its next look; and whether, were it not opened yet, it would open nothing."""
    left = ConsoleTicket.objects.filter(pk=row.pk).first()
    over = left is None or not watch.may_go_on(left)
    assert over == (left is None or not watch.may_open(left))
    return over


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
    from authorization.context import RequestContext

    return RequestContext.internal("test")


@pytest.mark.parametrize("how", [*SESSION_ENDS, *RIGHT_ENDS])
def test_a_console_of_the_portal_ends(how: str, demo: Client, server: Server) -> None:
    consoles = [opened(demo, server, kind) for kind in ("vnc", "serial")]
    unopened, cookie = asked(demo, server), demo.cookies[settings.CONSOLE_COOKIE_NAME].value
    assert not any(ended(row) for row in consoles)
    {**SESSION_ENDS, **RIGHT_ENDS}[how](demo)
    with pytest.raises(opening.Ended):  # at once: no second, no look of anybody's
        opening.find(unopened, [cookie])
    assert all(ended(row) for row in consoles)


#: What revokes all tokens of a user is an end of the token's, too.
TOKEN_ENDS = {*RIGHT_ENDS, "all ended", "a new password"}


@pytest.mark.parametrize("how", [*SESSION_ENDS, *RIGHT_ENDS])
def test_a_console_of_a_token_ends_with_the_token_and_its_right(how: str, demo: Client, server: Server) -> None:
    token = by_token(server)
    row = ConsoleTicket.objects.get(pk=digest(token))
    assert not ended(row)
    {**SESSION_ENDS, **RIGHT_ENDS}[how](demo)
    assert ended(row) == (how in TOKEN_ENDS)


def test_a_revoked_token_s_ticket_opens_nothing_and_its_console_ends(demo: Client, server: Server) -> None:
    token = by_token(server)
    row = opening.find(token, [])
    opening.spend(row)
    second = by_token(server)
    revocation.revoke(audit_id="a token's", owner=_demo().pk, token_issued_at=now())
    assert ended(row)
    with pytest.raises(opening.Ended):
        opening.find(second, [])


def test_a_token_that_expires_ends_no_console(demo: Client, server: Server) -> None:
    row = ConsoleTicket.objects.get(pk=digest(by_token(server, expires_at=now() - timedelta(seconds=1))))
    assert not ended(row)


def test_another_session_of_the_same_user_ends_nothing(demo: Client, server: Server) -> None:
    row, other = opened(demo, server), enter("demo")
    theirs = opened(other, server)
    other.post("/sign-out")
    assert ended(theirs) and not ended(row)


def test_proving_who_one_is_once_more_ends_nothing(demo: Client, server: Server) -> None:
    row, key = opened(demo, server), _row(demo).pk
    again = demo.post("/sign-in/again", {"password": "demo's password"}, headers={"HX-Request": "true"})
    assert again.status_code < 400 and _row(demo).pk != key
    assert not ended(row)


def test_a_session_that_waits_for_its_user_ends_nothing(demo: Client, server: Server) -> None:
    """Who types in a console asks the portal for nothing."""
    row = opened(demo, server)
    PortalSession.objects.update(expire_date=now() - timedelta(seconds=1))
    assert demo.get("/instances").status_code == 302
    assert not ended(row)


def test_a_ticket_opens_one_console_once_in_its_own_browser(demo: Client, server: Server) -> None:
    """Item 6: a ticket's address was good for as many consoles as one liked, in any browser."""
    token, cookie = asked(demo, server), demo.cookies[settings.CONSOLE_COOKIE_NAME].value
    other = enter("demo")
    asked(other, server)
    for cookies in ([], ["x"], [other.cookies[settings.CONSOLE_COOKIE_NAME].value]):
        with pytest.raises(opening.OtherBrowser):
            opening.find(token, cookies)
    row = opening.find(token, ["x", cookie])  # a thief's try did not use it up
    opening.spend(row)
    for attempt in (lambda: opening.find(token, [cookie]), lambda: opening.spend(row)):
        with pytest.raises(opening.UsedAlready, match="once"):
            attempt()


def test_a_ticket_is_good_for_a_minute(demo: Client, server: Server) -> None:
    token, cookie = asked(demo, server), demo.cookies[settings.CONSOLE_COOKIE_NAME].value
    row = ConsoleTicket.objects.get(pk=digest(token))
    assert timedelta(seconds=50) < row.expires_at - now() <= timedelta(seconds=60)
    ConsoleTicket.objects.update(expires_at=now())
    with pytest.raises(opening.Unknown):
        opening.find(token, [cookie])


def test_tickets_that_are_over_are_forgotten_and_open_consoles_are_not(demo: Client, server: Server) -> None:
    fresh, used, silent = asked(demo, server), opened(demo, server), opened(demo, server)
    services.forget_tickets()
    assert ConsoleTicket.objects.count() == 3
    ConsoleTicket.objects.update(expires_at=now())
    ConsoleTicket.objects.filter(pk=silent.pk).update(seen_at=now() - QUIET - timedelta(seconds=1))
    services.forget_tickets()
    assert [row.pk for row in ConsoleTicket.objects.all()] == [used.pk] and digest(fresh) != used.pk


def test_one_user_has_so_many_tickets_and_no_more(
    demo: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST", 2)
    asked(demo, server), asked(demo, server)
    assert demo.post(f"/instances/{server.pk}/console/vnc").status_code == 409
    ConsoleTicket.objects.update(expires_at=now())  # their minute is over: the next one is given at once
    asked(demo, server)


def test_an_instance_has_two_kinds_of_console(demo: Client, server: Server) -> None:
    """A kind went unread into the path of a socket."""
    answer = demo.post(f"/instances/{server.pk}/console/monitor")
    assert answer.status_code == 404 and not ConsoleTicket.objects.exists()


def test_a_deleted_server_s_tickets_and_links_are_gone(demo: Client, server: Server) -> None:
    opened(demo, server), _link(demo, server)
    end_all(server.pk)
    assert not ConsoleTicket.objects.exists() and not ConsoleLink.objects.exists()


# ── The page that a client's address opens ──────────────────────────────────────────────────────────────────────────


def test_a_client_s_address_is_loaded_again_in_the_browser_that_opened_it_and_in_no_other(server: Server) -> None:
    token, mine, other = by_token(server), Client(), Client()
    page = mine.get(f"/vnc/?token={token}")
    assert page.status_code == 200 and b'data-fresh="1"' in page.content
    opening.spend(opening.find(token, []))  # as Tempest does, without a cookie
    assert b"data-fresh" not in mine.get(f"/vnc/?token={token}").content
    assert other.get(f"/vnc/?token={token}").status_code == 403
    assert other.post("/vnc/ticket", {"token": token}).status_code == 403
    following = mine.post("/vnc/ticket", {"token": token}).json()["token"]
    cookie = mine.cookies[settings.CONSOLE_PAGE_COOKIE_NAME].value
    with pytest.raises(opening.OtherBrowser):
        opening.find(following, [])
    assert opening.find(following, [cookie]).server_id == server.pk
    assert mine.get(f"/vnc/?token={following}").status_code == 200
    revocation.revoke(audit_id="a token's", owner=_demo().pk, token_issued_at=now())
    assert mine.post("/vnc/ticket", {"token": following}).status_code == 403


def test_no_text_at_all_is_a_ticket(demo: Client) -> None:
    for text in ("", "x", "\x00", "é", "a" * 5000):
        assert Client().get("/vnc/", {"token": text}).status_code in (400, 403, 404)
        with pytest.raises(opening.Unknown):
            opening.find(text, ["", "x"])


# ── Links to look on ────────────────────────────────────────────────────────────────────────────────────────────────


def _link(client: Client, server: Server, hours: int = 24) -> str:
    answer = client.post(f"/instances/{server.pk}/console-links", {"hours": hours}, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.content
    found = re.search(r"/vnc/\?link=([\w-]+)", answer.content.decode())
    assert found
    return found.group(1)


def test_a_link_hands_out_tickets_to_look_on_until_its_end(demo: Client, server: Server) -> None:
    secret, viewer = _link(demo, server), Client()
    assert secret not in str(ConsoleLink.objects.values())
    assert viewer.get(f"/vnc/?link={secret}").status_code == 200
    tickets = [viewer.post("/vnc/ticket", {"link": secret, "kind": kind}).json()["token"] for kind in ("vnc", "serial")]
    cookie = viewer.cookies[settings.CONSOLE_PAGE_COOKIE_NAME].value
    rows = [opening.find(ticket, [cookie]) for ticket in tickets]
    assert all(row.view_only for row in rows) and [row.kind for row in rows] == ["vnc", "serial"]
    assert viewer.get(f"/vnc/?token={tickets[0]}").status_code == 403  # no way to more than looking on
    assert viewer.post("/vnc/ticket", {"token": tickets[0]}).status_code == 403
    demo.post("/sign-out")  # it is no session's
    assert not any(ended(row) for row in rows)
    ConsoleLink.objects.update(expires_at=now())
    ConsoleTicket.objects.update(until=now())
    assert all(ended(row) for row in rows)
    assert viewer.get(f"/vnc/?link={secret}").status_code == 403
    assert viewer.post("/vnc/ticket", {"link": secret, "kind": "vnc"}).status_code == 403


def test_a_link_is_shown_when_it_is_made_and_never_else(demo: Client, server: Server) -> None:
    """The shell's own variables are no link: a page that made none shows no box that says "the only time it is shown"."""
    assert "data-made" not in demo.get(f"/instances/{server.pk}/console").content.decode()
    answer = demo.post(f"/instances/{server.pk}/console-links", {"hours": 1}, headers={"HX-Request": "true"})
    assert re.search(r"data-made><code>http://[^<]+/vnc/\?link=[\w-]{43}<", answer.content.decode())
    assert "data-made" not in demo.get(f"/instances/{server.pk}/console").content.decode()


def test_a_link_is_listed_and_ended_by_its_row(demo: Client, server: Server) -> None:
    secret, viewer = _link(demo, server), Client()
    viewer.post("/vnc/ticket", {"link": secret, "kind": "vnc"})
    (row,) = ConsoleTicket.objects.all()
    (link,) = ConsoleLink.objects.all()
    assert f'data-id="{link.pk}"' in demo.get(f"/instances/{server.pk}/console").content.decode()
    stranger_s = demo.post(f"/instances/{server.pk}/console-links/{new_id()}/end")
    assert stranger_s.status_code == 404
    assert demo.post(f"/instances/{server.pk}/console-links/{link.pk}/end").status_code == 200
    assert ended(row) and viewer.get(f"/vnc/?link={secret}").status_code == 403


@pytest.mark.parametrize("how", RIGHT_ENDS)
def test_a_link_lasts_no_longer_than_its_maker_s_right(how: str, demo: Client, server: Server) -> None:
    secret, viewer = _link(demo, server), Client()
    viewer.post("/vnc/ticket", {"link": secret, "kind": "vnc"})
    (row,) = ConsoleTicket.objects.all()
    RIGHT_ENDS[how](demo)
    assert ended(row) and viewer.get(f"/vnc/?link={secret}").status_code == 403


@pytest.mark.parametrize("hours", ["", "0", "-1", "x", "721", "9" * 5000])
def test_a_link_s_end_is_within_thirty_days(hours: str, demo: Client, server: Server) -> None:
    assert demo.post(f"/instances/{server.pk}/console-links", {"hours": hours}).status_code == 400
    assert not ConsoleLink.objects.exists()


def test_who_holds_a_link_cannot_keep_its_maker_from_consoles(
    demo: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST", 2)
    secret, viewer = _link(demo, server), Client()
    codes = [viewer.post("/vnc/ticket", {"link": secret, "kind": "vnc"}).status_code for _ in range(3)]
    assert codes == [200, 200, 409]
    asked(demo, server)


def test_a_stranger_makes_no_link_and_sees_none(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    (foreign,) = make_servers(1, project_id=Project.objects.get(name="admin", is_domain=False).pk)
    for path in ("console-links", f"console-links/{new_id()}/end", "console/vnc"):
        assert demo.post(f"/instances/{foreign.pk}/{path}", {"hours": 1}).status_code == 404
    assert demo.get(f"/instances/{foreign.pk}/console-window").status_code == 404


def test_a_token_s_actor_is_no_session(demo: Client) -> None:
    actor = build(_demo().pk, Scope(), issued_at=now(), audit_ids=("a token's",))
    assert sessions.name_of(actor) == ""
