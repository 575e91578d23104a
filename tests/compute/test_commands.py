"""why, scheduler_explain, doctor."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from compute.servers.models import Server
from hosts import doctor, reconciliation
from hosts.models import Host
from images.images.models import Image
from placement import services as placement
from tests.compute.client import Client
from tests.live import CLONE
from tests.simulated import Cloud

Launch = Callable[..., str]


def said(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_why_prints_the_timeline_with_the_numbers(launch: Launch) -> None:
    launch("big", flavor="5")
    text = said("why", "big")
    assert "claim_host" in text and "host1: ResourcesFilter needs 16384 MiB, has 8192" in text
    (one,) = json.loads(said("why", "big", "--json"))
    assert one["state"] == "failed" and one["reason"].startswith("No valid host")


def test_scheduler_explain(host: Any) -> None:
    assert "It would go to host1." in said("scheduler_explain", "tiny")
    assert "host1: ResourcesFilter needs 16384 MiB, has 8192" in said("scheduler_explain", "m1.xlarge")


def test_policy_list_as_text_and_as_json(db: None) -> None:
    assert "os_compute_api:servers:create: " in said("policy_list", "servers:create")
    (one,) = [row for row in json.loads(said("policy_list", "--json")) if row["name"] == "compute:server:share"]
    assert one["about"] == "Share one instance with a user or a group" and one["overridden"] is False


@pytest.fixture
def answering(world: Cloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What hosts answer to host.read; the doctor's wait lets them."""
    extra: dict[str, Any] = {"servers": {}, "disks": [], "taps": [], "namespaces": []}

    def read(order: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        servers = {**world.domains("host1"), **extra["servers"]}
        return "done", {**extra, "servers": servers, "disks": [*servers, *extra["disks"]]}

    world.replies["host.read"] = read
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: world.settle())  # the doctor's alone
    monkeypatch.setattr(doctor, "time", clock)
    return extra


def test_doctor_finds_nothing_when_all_is_well(launch: Launch, answering: dict[str, Any]) -> None:
    launch()
    assert "All is as it should be." in said("doctor")


def test_doctor_says_since_when_a_host_is_silent_and_where_to_read_on(host: Any) -> None:
    Host.objects.update(state="down", last_seen_at=datetime(2026, 11, 30, 11, 53, 40, tzinfo=UTC))
    (text,) = [one.text for one in doctor.examine(apply=False) if one.kind == "host"]
    assert "did not answer (down, last heard 2026-11-30T11:53:40+00:00)" in text
    assert (CLONE / text.rpartition("see ")[2].strip().rstrip(".")).is_file()


def test_why_of_what_nobody_knows_says_where_else_to_look(db: None) -> None:
    with pytest.raises(CommandError, match=r"req-none: .*access\.log"):
        call_command("why", "req-none")


def test_doctor_finds_and_mends(world: Cloud, red: Client, launch: Launch, answering: dict[str, Any]) -> None:
    server_id = launch()
    stranger = "00000000-0000-4000-8000-00000000abcd"
    answering["servers"] = {stranger: "running"}
    answering["taps"] = ["tapdeadbeef-00"]
    world.agent("host1").power_off(server_id)
    placement.claim("gone", "red", {"VCPU": 1}, ["host1"])
    found = {(f.kind, f.id) for f in doctor.examine(apply=False)}
    assert found == {("server", server_id), ("domain", stranger), ("tap", "tapdeadbeef-00"), ("claim", "gone")}
    world.forget_orders()
    assert all(f.mended for f in doctor.examine(apply=True))
    world.settle()
    assert placement.held_by("gone") == {}
    assert {"setaside.put", "server.ensure"} <= set(world.verbs()) and "server.remove" not in world.verbs()
    assert Server.objects.get(id=server_id).vm_state == "active"


def test_doctor_names_images_whose_bytes_are_gone(
    launch: Launch, answering: dict[str, Any], settings: Any, tmp_path: Any
) -> None:
    """A restore by reference leaves such images: they say active, and launches from them fail."""
    settings.IMAGE_STORE = tmp_path
    image = Image.objects.create(name="lost", status="active", size=3)
    Image.objects.create(name="not yet there", status="queued", size=None)
    (finding,) = [f for f in doctor.examine(apply=False) if f.id == image.id]
    assert finding.kind == "image" and str(tmp_path / image.id) in finding.text and not finding.mended
    (tmp_path / image.id).write_bytes(b"xy")
    assert image.id in {f.id for f in doctor.examine(apply=False)}, "a part of it is not it"
    (tmp_path / image.id).write_bytes(b"xyz")
    assert image.id not in {f.id for f in doctor.examine(apply=False)}


def test_a_host_that_comes_back_runs_its_guests_again(
    world: Cloud, launch: Launch, host: Any, answering: dict[str, Any]
) -> None:
    server_id = launch()
    world.agent("host1").lose(server_id)
    world.forget_orders()
    with transaction.atomic():
        reconciliation.on_hello(host)
    world.settle()
    assert world.verbs() == ["host.read", "server.ensure"]
    assert world.domains("host1") == {server_id: "running"}
