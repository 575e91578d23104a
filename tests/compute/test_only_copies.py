"""A7: an only copy of what a server has written is never removed, on the way forward or back."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from compute.servers.models import Server
from images.images.models import Image
from operations import engine, parking
from operations.faults import FaultOnPurpose
from operations.flows import Step
from operations.models import Operation, State
from tests.compute.flows import Servers
from tests.flows.playing import begin, ended_well, failing, prepare, removed, rewrite


@pytest.mark.parametrize(
    ("name", "step"),
    [("server.boot", "mark_active"), ("server.rebuild", "create_disk"), ("server.delete", "remove_disk")],
)
def test_a_parked_server_can_be_deleted(stage: Servers, monkeypatch: pytest.MonkeyPatch, name: str, step: str) -> None:
    """A7, B7"""
    server_id = prepare(stage, name)
    with monkeypatch.context() as patch:
        rewrite(patch, name, failing(step))
        server_id, operation = begin(stage, name, server_id)
    assert operation.state == State.BROKEN
    removed(stage, server_id)
    operation.refresh_from_db()
    assert operation.state == State.FAILED, "nobody needs to look at what is left of a deleted server"


# ── Images that somebody deletes, or may not be deleted, meanwhile ──────────────────────────────────────────────────


def deleting_at(step_name: str, fails: str = "") -> Any:
    """Somebody deletes the images made of servers right after `step_name`; then the step `fails` fails."""

    def wrap(step: Step) -> Step:
        def do(op: engine.Op) -> Any:
            result = step.do(op)
            if result is None and step.name == step_name:
                Image.objects.filter(properties__image_type="snapshot").delete()
            if result is None and step.name == fails:
                raise FaultOnPurpose(step=step.name)
            return result

        return replace(step, do=do)

    return wrap


def shelved(stage: Servers) -> str:
    return prepare(stage, "server.unshelve")


def has_disk(stage: Servers, server_id: str) -> bool:
    return stage.cloud.has_disk(server_id)


@pytest.mark.parametrize("step", ["create_disk", "wire_network", "start_domain"])
def test_an_image_deleted_while_its_machine_comes_back_costs_nothing(
    stage: Servers, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A7"""
    server_id = shelved(stage)
    rewrite(monkeypatch, "server.unshelve", deleting_at(step))
    _, operation = begin(stage, "server.unshelve", server_id)
    ended_well(stage, "server.unshelve", server_id, operation)
    assert has_disk(stage, server_id)


@pytest.mark.parametrize("fails", ["wire_network", "start_domain", "mark_active"])
def test_the_disk_stays_once_its_image_is_gone(stage: Servers, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """A7: the sibling: the image goes and then something fails."""
    server_id = shelved(stage)
    with monkeypatch.context() as patch:
        rewrite(patch, "server.unshelve", deleting_at("create_disk", fails))
        _, operation = begin(stage, "server.unshelve", server_id)
    assert operation.state == State.BROKEN and has_disk(stage, server_id)
    parking.retry(operation.id)
    stage.cloud.settle()
    operation.refresh_from_db()
    ended_well(stage, "server.unshelve", server_id, operation)


def test_unshelving_from_a_protected_image_succeeds_and_leaves_it(stage: Servers) -> None:
    """A7"""
    server_id = shelved(stage)
    Image.objects.filter(properties__image_type="snapshot").update(protected=True)
    _, operation = begin(stage, "server.unshelve", server_id)
    ended_well(stage, "server.unshelve", server_id, operation)
    assert has_disk(stage, server_id) and Image.objects.filter(protected=True).count() == 1


def test_the_image_of_a_shelved_server_goes_once_it_is_back(stage: Servers) -> None:
    server_id = shelved(stage)
    begin(stage, "server.unshelve", server_id)
    assert not Image.objects.filter(properties__image_type="snapshot").exists()


@pytest.mark.parametrize("step", ["settle_image", "remove_domain"])
def test_shelving_keeps_the_disk_when_its_image_was_deleted_meanwhile(
    stage: Servers, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A7: the sibling: a user deletes the half-made image of a server that is being shelved."""
    server_id = stage.make()
    with monkeypatch.context() as patch:
        rewrite(patch, "server.shelve", deleting_at(step))
        _, operation = begin(stage, "server.shelve", server_id)
    assert operation.state in (State.FAILED, State.BROKEN) and has_disk(stage, server_id)
    assert "image" in Server.objects.get(id=server_id).fault_message.lower()


def test_rebuilding_keeps_the_disk_when_its_image_was_deleted_meanwhile(stage: Servers) -> None:
    """A7: the sibling: nothing is removed before there is something to make the new disk of."""
    server_id = stage.make()
    stage.red.act(server_id, {"rebuild": {"imageRef": stage.image.id}})
    Image.objects.all().delete()
    stage.cloud.settle()
    assert Operation.objects.filter(flow="server.rebuild").get().state == State.FAILED
    assert has_disk(stage, server_id)


def test_a_backup_is_not_lost_over_an_older_one_that_is_protected(stage: Servers) -> None:
    """A7: the sibling: a protected older backup stays, the new one too."""
    server_id = prepare(stage, "server.backup")
    Image.objects.filter(properties__image_type="backup").update(protected=True)
    _, operation = begin(stage, "server.backup", server_id)
    ended_well(stage, "server.backup", server_id, operation)
    assert Image.objects.filter(properties__image_type="backup", status="active").count() == 2


def test_a_deletion_that_waits_is_not_held_up_past_a_final_step(
    stage: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A7: what only serves a server that is being deleted is left out; the deletion goes on."""
    server_id = stage.make()
    stage.red.act(server_id, {"rebuild": {"imageRef": stage.image.id}})

    def deleting(step: Step) -> Step:
        def do(op: engine.Op) -> Any:
            result = step.do(op)
            if result is None and step.name == "remove_disk":
                with transaction.atomic():
                    stage.red.ok("delete", f"servers/{server_id}", status=204)
            return result

        return replace(step, do=do)

    rewrite(monkeypatch, "server.rebuild", deleting)
    stage.cloud.settle()
    rebuild = Operation.objects.filter(flow="server.rebuild").get()
    assert rebuild.state == State.DONE
    assert rebuild.steps.get(name="create_disk").detail == {"left_out": "DeletedMeanwhile"}
    assert Server.objects.get(id=server_id).deleted
