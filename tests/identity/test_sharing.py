"""Sharing one object: what each level opens, for how long, for whom, and what a grantee may never do."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorization.share_levels import LEVELS, RANK
from common.clock import now
from compute.consoles import watch
from compute.consoles.models import ConsoleTicket, digest
from identity import tokens
from identity.models import User
from identity.revocation import services as revocation
from identity.signin.mfa import services as mfa
from identity.users import services as users
from networking.networks.models import Network
from networking.subnets.models import Subnet
from sharing import live, services
from sharing.models import GroupShare, UserShare
from tests.identity.conftest import project, user
from tests.identity.sharing_world import (
    COMPUTE,
    IMAGE,
    NETWORK,
    Caller,
    caller,
    image,
    network,
    person,
    put_share,
    server,
    team,
)

NO_HOST, HIDDEN, FORBIDDEN = 409, 404, 403
#: What each level opens first, and what is asked for: an instance on no host answers 409 to whoever may.
ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "stop": ("operate", {"os-stop": None}),
    "reboot": ("operate", {"reboot": {"type": "HARD"}}),
    "pause": ("operate", {"pause": None}),
    "lock": ("full", {"lock": None}),
}


@pytest.fixture
def owner(seeded: None) -> Caller:
    return caller("demo")


@pytest.fixture
def guest(seeded: None) -> Caller:
    person("guest", in_project="elsewhere")
    return caller("guest")


@pytest.fixture
def web(seeded: None) -> Any:
    return server(project("demo").pk)


def share(owner: Caller, kind: str, row: Any, level: str, expect: int = 201, **more: Any) -> Any:
    to = {} if {"user", "group"} & more.keys() else {"user": {"name": "guest"}}
    asked = {"object_type": kind, "object_id": row.pk, "level": level, **to, **more}
    answer = owner.identity.call("post", "/shares", {"share": asked}, expect)
    return answer.json()


def soon(minutes: float) -> str:
    return (now() + timedelta(minutes=minutes)).isoformat()


# ── Instances ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_opens_its_verbs_and_no_more(owner: Caller, guest: Caller, web: Any, level: str) -> None:
    assert guest.server_ids() == set() and guest.status("get", f"{COMPUTE}/servers/{web.pk}") == HIDDEN
    assert guest.acts(web.pk, **{"os-stop": None}) == HIDDEN
    share(owner, "server", web, level)
    assert guest.server_ids() == {web.pk}
    assert guest.ask("get", f"{COMPUTE}/servers/{web.pk}").json()["server"]["tenant_id"] == project("demo").pk
    assert guest.status("get", f"{COMPUTE}/servers/{web.pk}/os-instance-actions") == 200
    for verb, (least, body) in ACTS.items():
        may = RANK[level] >= RANK[least]
        expected = NO_HOST if may else FORBIDDEN
        assert guest.acts(web.pk, **body) == (202 if may and verb == "lock" else expected), verb
    log = guest.acts(web.pk, **{"os-getConsoleOutput": {}})
    assert log == (NO_HOST if RANK[level] >= RANK["console"] else FORBIDDEN)
    for write in ("put", "delete"):
        body = {"server": {"name": "mine now"}} if write == "put" else None
        if level != "full":
            assert guest.status(write, f"{COMPUTE}/servers/{web.pk}", body) == FORBIDDEN


@pytest.mark.parametrize("level", LEVELS)
def test_no_share_reaches_the_project_s_other_things(owner: Caller, guest: Caller, web: Any, level: str) -> None:
    share(owner, "server", web, level)
    for body in (
        {"addSecurityGroup": {"name": "default"}},
        {"createBackup": {"name": "b", "backup_type": "daily", "rotation": 1}},
        {"os-resetState": {"state": "active"}},
        {"shelve": None},
    ):
        assert guest.acts(web.pk, **body) == FORBIDDEN, body
    assert guest.status("post", f"{COMPUTE}/servers/{web.pk}/os-interface", {"interfaceAttachment": {}}) == FORBIDDEN
    assert guest.status("get", f"{COMPUTE}/servers/detail?all_tenants=1") == FORBIDDEN
    assert guest.server_ids() == {web.pk}
    other = server(project("demo").pk, "web-2")
    assert guest.status("get", f"{COMPUTE}/servers/{other.pk}") == HIDDEN


def test_full_may_rename_and_delete(owner: Caller, guest: Caller, web: Any) -> None:
    share(owner, "server", web, "full")
    renamed = guest.ask("put", f"{COMPUTE}/servers/{web.pk}", {"server": {"name": "renamed"}})
    assert renamed.status_code == 200 and renamed.json()["server"]["name"] == "renamed"
    path = f"{COMPUTE}/servers/{web.pk}/metadata"
    assert guest.ask("post", path, {"metadata": {"a": "1"}}).json() == {"metadata": {"a": "1"}}
    assert guest.status("delete", f"{COMPUTE}/servers/{web.pk}") == 204


def test_a_share_ends_by_the_clock_before_anything_sweeps_it(owner: Caller, guest: Caller, web: Any) -> None:
    share(owner, "server", web, "operate", expires_at=soon(5))
    assert guest.acts(web.pk, **{"os-stop": None}) == NO_HOST
    UserShare.objects.update(expires_at=now() - timedelta(seconds=1))
    from identity.revocation import services as revocation

    revocation.touch()  # as the clock would find it: the row is there, its time is over
    assert guest.server_ids() == set()
    assert guest.status("get", f"{COMPUTE}/servers/{web.pk}") == HIDDEN
    assert guest.acts(web.pk, **{"os-stop": None}) == HIDDEN
    assert services.collect_garbage() == 1 and not UserShare.objects.exists()


def test_an_actor_in_hand_loses_a_share_at_its_end(
    owner: Caller, guest: Caller, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read again: the caller is cached, only the time moves."""
    from identity import tokens
    from sharing import received

    share(owner, "server", web, "view", expires_at=soon(5))
    actor = tokens.actor_from_token(guest.token, "req-1")
    assert received.level_on(actor, web) == "view"
    later = now() + timedelta(minutes=6)
    monkeypatch.setattr(received, "now", lambda: later)
    assert received.level_on(actor, web) is None


def test_withdrawing_and_lowering_take_effect_at_once(owner: Caller, guest: Caller, web: Any) -> None:
    made = share(owner, "server", web, "operate")["share"]
    owner.identity.patch(f"/shares/{made['id']}", {"share": {"level": "view"}})
    assert guest.acts(web.pk, **{"os-stop": None}) == FORBIDDEN and guest.server_ids() == {web.pk}
    owner.identity.delete(f"/shares/{made['id']}")
    assert guest.server_ids() == set() and guest.acts(web.pk, **{"os-stop": None}) == HIDDEN
    owner.identity.delete(f"/shares/{made['id']}", expect=404)


def test_a_group_s_share_reaches_its_members_while_they_are_in_it(
    owner: Caller, guest: Caller, web: Any, admin: Any
) -> None:
    group = team(user("guest"))
    share(owner, "server", web, "operate", group={"id": group.pk})
    assert guest.acts(web.pk, **{"os-stop": None}) == NO_HOST
    admin.delete(f"/groups/{group.pk}/users/{user('guest').pk}")
    assert guest.acts(web.pk, **{"os-stop": None}) == HIDDEN and guest.server_ids() == set()


def test_a_reader_of_the_project_can_be_lent_one_instance(owner: Caller, web: Any) -> None:
    person("looker", in_project="demo", role_name="reader")
    looker, other = caller("looker"), server(project("demo").pk, "web-2")
    assert looker.acts(web.pk, **{"os-stop": None}) == FORBIDDEN
    share(owner, "server", web, "operate", user={"name": "looker"})
    assert looker.acts(web.pk, **{"os-stop": None}) == NO_HOST
    assert looker.acts(other.pk, **{"os-stop": None}) == FORBIDDEN


def test_what_is_delegated_carries_no_share(owner: Caller, guest: Caller, web: Any) -> None:
    """An application credential has roles of a project; it must not open what was lent to the person."""
    share(owner, "server", web, "full")
    made = guest.identity.post(
        f"/users/{user('guest').pk}/application_credentials", {"application_credential": {"name": "robot"}}
    )["application_credential"]
    way = {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]},
    }
    answer = guest.identity.call("post", "/auth/tokens", {"auth": {"identity": way}}, 201)
    robot = Caller(answer["X-Subject-Token"])
    assert robot.server_ids() == set() and robot.status("get", f"{COMPUTE}/servers/{web.pk}") == HIDDEN


# ── Consoles ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def running(settings: Any, tmp_path: Any, seeded: None) -> Any:
    settings.DATA = tmp_path
    return server(project("demo").pk, host="host1", power_state=1)


def _ticket(who: Caller, row: Any) -> Any:
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    headers = {"HTTP_X_AUTH_TOKEN": who.token, "HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.6"}
    from tests.identity.conftest import _client

    answer = _client.post(f"{COMPUTE}/servers/{row.pk}/remote-consoles", body, format="json", **headers)
    assert answer.status_code == 200, answer.content
    token = answer.json()["remote_console"]["url"].partition("token=")[2].partition("&")[0]
    return ConsoleTicket.objects.get(pk=digest(token))


def _goes_on(ticket: Any) -> bool:
    row = ConsoleTicket.objects.filter(pk=ticket.pk).first()
    return row is not None and watch.may_open(row) and watch.may_go_on(row)


@pytest.mark.django_db(transaction=True)
def test_a_ticket_by_a_share_knows_its_end_and_goes_with_it(owner: Caller, guest: Caller, running: Any) -> None:
    assert not _ticket(owner, running).share
    until = now() + timedelta(minutes=5)
    made = share(owner, "server", running, "console", expires_at=until.isoformat())["share"]
    ticket = _ticket(guest, running)
    assert ticket.until == until and ticket.expires_at <= until
    assert _goes_on(ticket)
    longer = {"share": {"level": "full", "expires_at": soon(60)}}
    owner.identity.patch(f"/shares/{made['id']}", longer)
    assert _goes_on(ticket)  # more is no reason to cut
    owner.identity.patch(f"/shares/{made['id']}", {"share": {"level": "view"}})
    assert not _goes_on(ticket)


@pytest.mark.django_db(transaction=True)
def test_leaving_the_group_ends_that_member_s_console(owner: Caller, guest: Caller, running: Any, admin: Any) -> None:
    person("stays", in_project="elsewhere")
    group = team(user("guest"), user("stays"))
    share(owner, "server", running, "console", group={"name": "team"})
    gone, stays = _ticket(guest, running), _ticket(caller("stays"), running)
    admin.delete(f"/groups/{group.pk}/users/{user('guest').pk}")
    assert not _goes_on(gone) and _goes_on(stays)


# ── Images and networks ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shared_image_can_be_read_and_launched_from(
    owner: Caller, guest: Caller, settings: Any, tmp_path: Any
) -> None:
    settings.IMAGE_STORE = tmp_path
    row = image(project("demo").pk)
    (tmp_path / row.pk).write_bytes(b"demo")
    path = f"{IMAGE}/images/{row.pk}"
    assert row.pk not in guest.image_ids() and guest.status("get", path) == HIDDEN
    share(owner, "image", row, "view")
    assert row.pk in guest.image_ids() and guest.status("get", path) == 200
    assert b"".join(guest.ask("get", f"{path}/file").streaming_content) == b"demo"
    from compute.servers.create.services import usable_image
    from identity import tokens

    assert usable_image(tokens.actor_from_token(guest.token, "r"), row.pk, 128, 1).pk == row.pk
    assert guest.status("delete", path) == FORBIDDEN
    owner.identity.patch(f"/shares/{UserShare.objects.get().pk}", {"share": {"level": "full"}})
    assert guest.status("delete", path) == 204
    assert not UserShare.objects.exists()  # nobody holds a share of what is gone


def test_a_console_of_an_image_means_nothing(owner: Caller, guest: Caller) -> None:
    answer = share(owner, "image", image(project("demo").pk), "console", expect=400)
    assert "view, operate, full" in answer["error"]["message"]


def _port(who: Caller, row: Network) -> int:
    return who.status("post", f"{NETWORK}/ports", {"port": {"network_id": row.pk}})


def test_a_shared_network_takes_ports_of_whoever_may_operate_it(owner: Caller, guest: Caller) -> None:
    row = network(project("demo").pk)
    pool = [{"start": "10.7.0.2", "end": "10.7.0.9"}]
    subnet = Subnet.objects.create(
        network=row, project_id=row.project_id, ip_version=4, cidr="10.7.0.0/24", allocation_pools=pool
    )
    path = f"{NETWORK}/networks/{row.pk}"
    assert row.pk not in guest.network_ids() and guest.status("get", path) == HIDDEN and _port(guest, row) == HIDDEN
    share(owner, "network", row, "view")
    assert row.pk in guest.network_ids() and guest.status("get", path) == 200 and _port(guest, row) == FORBIDDEN
    assert guest.status("get", f"{NETWORK}/subnets/{subnet.pk}") == 200
    owner.identity.patch(f"/shares/{UserShare.objects.get().pk}", {"share": {"level": "operate"}})
    assert _port(guest, row) == 201
    assert guest.status("put", path, {"network": {"name": "mine"}}) == FORBIDDEN
    for loose in ({"port_security_enabled": False}, {"allowed_address_pairs": [{"ip_address": "10.7.0.1"}]}):
        asked = {"port": {"network_id": row.pk, **loose}}
        assert guest.status("post", f"{NETWORK}/ports", asked) == FORBIDDEN, loose
    router = guest.ask("post", f"{NETWORK}/routers", {"router": {"name": "tap"}}).json()["router"]["id"]
    leg = f"{NETWORK}/routers/{router}/add_router_interface"
    assert guest.status("put", leg, {"subnet_id": subnet.pk}) == FORBIDDEN
    owner.identity.patch(f"/shares/{UserShare.objects.get().pk}", {"share": {"level": "full"}})
    assert guest.status("put", path, {"network": {"name": "ours"}}) == 200


def test_a_shared_network_is_never_the_one_taken_without_choosing(owner: Caller, guest: Caller) -> None:
    from identity import tokens
    from networking.ports.addresses import default_network

    row = network(project("demo").pk)
    Subnet.objects.create(network=row, project_id=row.project_id, ip_version=4, cidr="10.7.0.0/24")
    share(owner, "network", row, "full")
    actor = tokens.actor_from_token(guest.token, "r")
    assert Network.objects.usable_by(actor).filter(pk=row.pk).exists() and default_network(actor) is None


# ── Who may share, and how far ──────────────────────────────────────────────────────────────────────────────────────


def test_only_who_may_share_shares(owner: Caller, guest: Caller, web: Any) -> None:
    person("looker", in_project="demo", role_name="reader")
    share(caller("looker"), "server", web, "view", expect=403)
    share(guest, "server", web, "view", expect=404)
    for level in ("view", "console", "operate"):
        put_share("server", web, user("guest"), level)
        share(guest, "server", web, "view", expect=403, user={"name": "looker"})
        UserShare.objects.all().delete()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"user": {"name": "nobody at all"}}, 400),
        ({"user": {"name": "demo"}}, 400),  # oneself
        ({"expires_at": "2001-01-01T00:00:00Z"}, 400),
        ({"expires_at": "tomorrow"}, 400),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, 400),
        ({"level": "own"}, 400),
        ({"object_type": "router"}, 400),
        ({"object_id": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"group": {"name": "both"}, "user": {"name": "guest"}}, 400),
    ],
)
def test_bad_shares_are_refused(owner: Caller, guest: Caller, web: Any, more: dict[str, Any], status: int) -> None:
    asked = {"object_type": "server", "object_id": web.pk, "level": "view", "user": {"name": "guest"}, **more}
    owner.identity.call("post", "/shares", {"share": asked}, status)
    assert not UserShare.objects.exists()


def test_twice_is_a_conflict_that_names_the_first(owner: Caller, guest: Caller, web: Any) -> None:
    first = share(owner, "server", web, "view")["share"]
    assert first["id"] in share(owner, "server", web, "full", expect=409)["error"]["message"]


def test_full_gives_on_within_its_own_bounds_and_takes_it_along(owner: Caller, guest: Caller, web: Any) -> None:
    person("third", in_project="third")
    third = caller("third")
    share(owner, "server", web, "full", expires_at=soon(60))
    for too_much in ({}, {"expires_at": soon(90)}):
        share(guest, "server", web, "view", expect=403, user={"name": "third"}, **too_much)
    made = share(guest, "server", web, "operate", user={"name": "third"}, expires_at=soon(30))["share"]
    assert third.acts(web.pk, **{"os-stop": None}) == NO_HOST
    guest.identity.call("patch", f"/shares/{made['id']}", {"share": {"expires_at": None}}, 403)
    mine = UserShare.objects.get(user=user("guest"))
    guest.identity.call("patch", f"/shares/{mine.pk}", {"share": {"expires_at": None}}, 403)
    owner.identity.delete(f"/shares/{mine.pk}")
    assert third.server_ids() == set() and not UserShare.objects.exists()


def test_a_grantee_sees_no_other_shares_and_nobody_of_the_project(owner: Caller, guest: Caller, web: Any) -> None:
    person("third", in_project="third")
    hidden = share(owner, "server", web, "view", user={"name": "third"})["share"]
    share(owner, "server", web, "full")
    listed = guest.identity.get(f"/shares?object_type=server&object_id={web.pk}")["shares"]
    assert [one["user"]["name"] for one in listed] == ["guest"]
    guest.identity.get(f"/shares/{hidden['id']}", 404)
    guest.identity.delete(f"/shares/{hidden['id']}", 404)
    guest.identity.call("get", f"/access/server/{web.pk}", None, 403)
    assert {one["object_id"] for one in guest.identity.get("/shares")["shares"]} == {web.pk}


def test_a_grantee_may_give_a_share_up(owner: Caller, guest: Caller, web: Any) -> None:
    made = share(owner, "server", web, "view")["share"]
    guest.identity.delete(f"/shares/{made['id']}")
    assert guest.server_ids() == set()


def test_shares_of_a_deleted_group_and_what_was_given_by_them_go(owner: Caller, guest: Caller, web: Any) -> None:
    group = team(user("guest"))
    whole = put_share("server", web, group, "full")
    person("third", in_project="third")
    put_share("server", web, user("third"), "view", through=whole.pk)
    group.delete()
    assert not GroupShare.objects.exists()
    assert services.collect_garbage() == 1 and not UserShare.objects.exists()


def test_who_can_see_says_each_reason(owner: Caller, guest: Caller, web: Any, admin: Any) -> None:
    from identity.assignments import services as assignments
    from tests.identity.conftest import role

    boss = person("boss", in_project="elsewhere")
    assignments.grant(role("manager"), on="domain", object_id="default", subject_id=boss.pk, inherited=True)
    group = team(user("guest"), name="readers")
    assignments.grant(role("reader"), on="project", object_id=web.project_id, subject="group", subject_id=group.pk)
    share(owner, "server", web, "operate", expires_at=soon(60))
    found = owner.identity.get(f"/access/server/{web.pk}")["access"]
    why = {one["name"]: [reason["sentence"] for reason in one["reasons"]] for one in found}
    assert why["demo"] == ["Role member"]
    assert why["boss"] == ["Role manager, from Default"]
    assert why["guest"] == ["Role reader through the group readers", "Shared by demo: operate"]
    assert "Administrator of the cloud" in why["admin"]
    row = image(project("demo").pk)
    row.visibility = "public"
    row.save()
    assert "public" in owner.identity.get(f"/access/image/{row.pk}")["everyone"][0]


# ── All together ────────────────────────────────────────────────────────────────────────────────────────────────────


def _some_shares(
    dice: random.Random, rows: list[Any], people: list[Any]
) -> Iterator[tuple[Any, Any, str, float | None]]:
    for row in rows:
        for to in people:
            if dice.random() < 0.4:
                yield row, to, dice.choice(LEVELS), dice.choice((None, 30.0, -1.0))


@pytest.mark.parametrize("seed", range(6))
def test_list_and_show_and_verbs_agree_with_the_shares_themselves(owner: Caller, guest: Caller, seed: int) -> None:
    dice = random.Random(seed)
    person("other", in_project="elsewhere")
    group = team(user("guest"), name="one")
    wide = team(user("guest"), user("other"), name="both")
    rows = [server(project("demo").pk, f"web-{number}") for number in range(6)]
    own = server(project("elsewhere").pk, "own")
    granted: dict[tuple[str, str], int] = {}
    for row, to, level, minutes in _some_shares(dice, rows, [user("guest"), user("other"), group, wide]):
        put_share("server", row, to, level, minutes)
        if minutes is None or minutes > 0:
            for name, reached in (
                ("guest", to.pk != user("other").pk),
                ("other", to.pk in (user("other").pk, wide.pk)),
            ):
                if reached:
                    granted[(name, row.pk)] = max(granted.get((name, row.pk), 0), RANK[level])
    for name, who in (("guest", guest), ("other", caller("other"))):
        assert who.server_ids() == {own.pk} | {row.pk for row in rows if granted.get((name, row.pk))}
        for row in rows:
            rank = granted.get((name, row.pk), 0)
            assert who.status("get", f"{COMPUTE}/servers/{row.pk}") == (200 if rank else HIDDEN)
            for verb, (least, body) in ACTS.items():
                allowed = rank >= RANK[least]
                done = 202 if verb == "lock" else NO_HOST
                assert who.acts(row.pk, **body) == (done if allowed else FORBIDDEN if rank else HIDDEN), (name, verb)
                if allowed and verb == "lock":
                    assert who.acts(row.pk, unlock=None) == 202
    before = set(granted)
    services.collect_garbage()
    assert guest.server_ids() == {own.pk} | {pk for name, pk in before if name == "guest"}


def test_a_list_costs_the_same_queries_with_and_without_shares(owner: Caller, guest: Caller, web: Any) -> None:
    """One more condition in the same statement; who has no share has not even that."""
    guest.server_ids()

    def cost() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as asked:
            guest.ask("get", f"{COMPUTE}/servers/detail")
        found = [one["sql"] for one in asked if "compute_server" in one["sql"]]
        return len([one for one in asked if "identity_epoch" not in one["sql"]]), found[0]

    few, plain = cost()
    assert "share" not in plain
    put_share("server", web, user("guest"), "view")
    guest.server_ids()
    many, wider = cost()
    assert "identity_usershare" in wider and "identity_groupshare" in wider
    assert many <= few + 3  # those about addresses and groups, which an empty list does not ask for


@pytest.mark.django_db(transaction=True)  # numbers that could be rolled back are read again
def test_a_share_voids_what_is_cached_of_whom_it_is_with_alone(
    owner: Caller, guest: Caller, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: each share moved the one epoch, so that one user emptied every cache of the cloud, again and again."""
    person("third", in_project="elsewhere"), person("fourth", in_project="elsewhere")
    others = team(user("fourth"))
    callers = {name: caller(name) for name in ("demo", "guest", "third", "fourth")}
    built: list[str] = []
    real = tokens.actors.build
    monkeypatch.setattr(tokens.actors, "build", lambda *words, **more: built.append(words[0]) or real(*words, **more))

    def rebuilt() -> set[str]:
        built.clear()
        revocation.read_soon()
        for one in callers.values():
            one.ask("get", f"{COMPUTE}/flavors")
        return set(User.objects.filter(pk__in=built).values_list("name", flat=True))

    rebuilt()
    epoch = revocation.epoch(fresh=True)
    made = share(owner, "server", web, "view")["share"]
    assert rebuilt() == {"guest"} and callers["guest"].server_ids() >= {web.pk}
    assert live.audience("server", web.pk) == [live.room("user", user("guest").pk)]
    owner.identity.delete(f"/shares/{made['id']}")
    assert rebuilt() == {"guest"} and web.pk not in callers["guest"].server_ids()
    assert live.audience("server", web.pk) == []
    share(owner, "server", web, "view", group={"id": others.pk})
    assert rebuilt() == {"fourth"} and callers["fourth"].server_ids() == {web.pk}
    assert live.audience("server", web.pk) == [live.room("group", others.pk)]
    assert rebuilt() == set() and revocation.epoch(fresh=True) == epoch


def test_what_people_do_of_themselves_moves_no_epoch(owner: Caller, guest: Caller) -> None:
    """C11, siblings: a second factor switched on and off, and a password changed, voided everybody's caches."""
    mfa.set_strict(user("guest").pk, True)
    mfa.set_strict(user("guest").pk, False)
    epoch = revocation.epoch(fresh=True)
    mfa.set_strict(user("guest").pk, True)
    row = user("demo")
    row.set_password("one-long-password")
    row.save()
    users.change_password(row.pk, "one-long-password", "another-long-password")
    assert revocation.epoch(fresh=True) == epoch
