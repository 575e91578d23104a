"""What an instance's buttons say and what the services do is one reading of the table of states."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from authorization import rules
from common.errors import CloudError
from compute.servers.lifecycle import deletion, resize, states
from compute.servers.models import Server
from images.images import services as images
from images.images import states as image_states
from images.images.models import Image
from operations import start, starting
from portal.images.item import ImageItem
from portal.servers import verbs
from tests.simulated import actor

LIVING = [state for state in states.STATES if state != states.DELETED]
#: What a server is: each state at rest and busy, and locked or on no host besides.
CASES: list[dict[str, Any]] = [
    *(
        {"vm_state": state, "task_state": task}
        for state, task in itertools.product(LIVING, (None, "powering-off", "deleting"))
    ),
    *({"vm_state": state, "locked": True, "locked_by_admin": True} for state in LIVING),
    *({"vm_state": state, "host": ""} for state in LIVING),
]


def refusal_of(verb: str, who: Any, server: Server) -> CloudError | None:
    """What the service says, with nothing of it kept."""
    with transaction.atomic():
        try:
            call: Callable[..., Any] = deletion.delete if verb == "delete" else verbs.POST[verb]
            call(who, server_id=server.id)
        except CloudError as error:
            return error
        finally:
            transaction.set_rollback(True)
    return None


def button(who: Any, server: Server, verb: str) -> str:
    """Why a button of the instance's page is greyed, "" where it is not."""
    return str(verbs.action(who, server, verb, is_held=starting.is_held(server)).why)


@pytest.mark.parametrize("verb", [*verbs.POST, "delete"])
@pytest.mark.parametrize("overrides", [False, True])
def test_a_button_is_greyed_where_the_service_refuses_and_nowhere_else(
    make_servers: Callable[..., list[Server]], settings: Any, request: Any, verb: str, overrides: bool
) -> None:
    if overrides:
        Path(settings.POLICY_FILE).write_text('"os_compute_api:os-lock-server:unlock:unlock_override": "role:member"\n')
        rules._table.reset()
        request.addfinalizer(rules._table.reset)
    server = make_servers(1)[0]
    who = actor(server.project_id)
    rest = {"task_state": None, "host": "host1", "locked": False, "locked_by_admin": False}
    wrong = []
    for case in CASES:
        Server.objects.filter(pk=server.pk).update(**{**rest, **case})
        server.refresh_from_db()
        why = button(who, server, verb)
        error = refusal_of(verb, who, server)
        if bool(why) != bool(error):
            wrong.append((case, why, error and error.message))
    assert not wrong


def test_a_deletion_that_goes_on_is_not_begun_twice_by_either(make_servers: Callable[..., list[Server]]) -> None:
    server = make_servers(1)[0]
    who = actor(server.project_id)
    deletion.delete(who, server_id=server.id)
    server.refresh_from_db()
    before = server.generation
    deletion.delete(who, server_id=server.id)
    server.refresh_from_db()
    assert server.generation == before and button(who, server, "delete") == "It is being deleted"


@pytest.mark.parametrize("going", ["confirm_resize", "attach_interface"])
def test_what_an_operation_keeps_off_is_greyed_though_no_column_says_that_it_runs(
    make_servers: Callable[..., list[Server]], going: str
) -> None:
    """Confirming a resize has no task of its own: its buttons stayed, and were answered 409."""
    server = make_servers(1)[0]
    Server.objects.filter(pk=server.pk).update(vm_state=states.RESIZED, task_state=None, host="host1")
    server.refresh_from_db()
    who = actor(server.project_id)
    assert not button(who, server, "confirm_resize") and not button(who, server, "revert_resize")
    with transaction.atomic():
        start(
            resize.CONFIRM_RESIZE,
            subject=("server", server.id),
            project_id=server.project_id,
            actor=who,
            holds=[f"server:{server.id}"],
            action=states.VERBS[going].action,
        )
    is_off = {verb: bool(button(who, server, verb)) for verb in ("confirm_resize", "revert_resize", "delete", "lock")}
    refused = {verb: refusal_of(verb, who, server) is not None for verb in is_off}
    waits = going == "attach_interface"  # the next verb begins behind it
    assert is_off == refused
    assert is_off == {"confirm_resize": not waits, "revert_resize": not waits, "delete": False, "lock": False}


def test_an_image_s_buttons_are_greyed_where_the_service_refuses_and_nowhere_else(cloud_rows: None) -> None:
    who = actor("red", "admin")
    for status in image_states.STATES:
        image = Image.objects.create(project_id="red", name=status, status=status)
        buttons = {action.name: action for action in ImageItem().actions(who, image)}
        verb = next(name for name in ("deactivate", "reactivate") if name in buttons)
        error = None
        with transaction.atomic():
            try:
                images.switch(who, verb, image_id=image.pk)
            except CloudError as refused:
                error = refused
            transaction.set_rollback(True)
        assert bool(buttons[verb].why) == bool(error), status
        assert bool(buttons["launch"].why) == (not image_states.usable(status)), status


def test_of_several_those_that_may_go_are_deleted_and_each_other_one_is_told(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    servers = make_servers(3)
    Server.objects.filter(pk=servers[1].pk).update(locked=True, locked_by_admin=True)
    ids = ",".join(server.id for server in servers)
    answer = demo.post(f"/instances/delete?ids={ids}", {"typed": "3"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.content
    tasks = dict(Server.objects.values_list("id", "task_state"))
    assert [tasks[server.id] for server in servers] == ["deleting", None, "deleting"]
    said = answer.content.decode()
    assert "2 of 3 are being deleted" in said and "locked" in said
    assert said.count('data-done="yes"') == 2 and said.count('data-done="no"') == 1
    assert "data-close" in said and "<a " not in said, "the list stays, where rows change by themselves"


def test_an_operator_who_deletes_another_s_goes_back_to_the_list_of_all(
    admin: Client, make_servers: Callable[..., list[Server]]
) -> None:
    (server,) = make_servers(1)
    shown = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/instances/{server.id}/log"}
    answer = admin.post(f"/instances/{server.id}/delete", headers=shown)
    assert answer["HX-Redirect"] == "/all-instances"


@pytest.mark.parametrize("address", ["/instances/delete", "/networks/delete", "/instances/delete?ids=,,"])
@pytest.mark.parametrize("ask", ["get", "post"])
def test_a_question_about_nothing_is_refused(demo: Client, address: str, ask: str) -> None:
    answer = getattr(demo, ask)(address)
    assert answer.status_code == 400 and b"Nothing is chosen" in answer.content
