"""The registry of drivers: each is found under its name, says what it can do, and says it in a hello."""

import json
from typing import Any

import pytest

from hostagent.contract.capabilities import CAPABILITIES, KINDS, OLDER, of_host
from hostagent.drivers.loading import driver_class
from hostagent.drivers.registry import DRIVERS, Choice, Choices, choose

ALL = [Choice(kind, "local", name) for kind in KINDS for name in DRIVERS[kind]]


@pytest.mark.parametrize("choice", ALL, ids=lambda choice: f"{choice.kind}-{choice.driver}")
def test_a_driver_declares_capabilities_of_its_own_kind(choice: Choice) -> None:
    loaded: Any = driver_class(choice, choice.kind)  # type: ignore[call-overload]
    assert loaded.capabilities
    assert all(choice.kind in capability.kinds for capability in loaded.capabilities)
    assert all(CAPABILITIES[capability.name] is capability for capability in loaded.capabilities)


@pytest.mark.parametrize("name", CAPABILITIES)
def test_a_capability_is_some_drivers_of_each_kind_that_it_takes(name: str) -> None:
    for kind in CAPABILITIES[name].kinds:
        loaded: Any = [driver_class(choice, kind) for choice in ALL if choice.kind == kind]  # type: ignore[call-overload]
        assert any(CAPABILITIES[name] in driver.capabilities for driver in loaded)


def test_what_older_agents_could_is_what_the_defaults_can() -> None:
    """Without what came later, and with VLANs, which control took for granted."""
    later = {"network.piece_changes", "network.probe", "volume.thin", "volume.snapshot", "volume.export", "disk.iscsi"}
    instances: Any = []
    for kind in KINDS:
        default = choose().main(kind)
        loaded: Any = driver_class(default, kind)  # type: ignore[call-overload]
        instances.append({"kind": kind, "capabilities": [capability.name for capability in loaded.capabilities]})
    assert of_host(instances) - later == OLDER - {"network.vlan"}


def test_a_host_has_a_capability_only_where_each_kind_that_it_takes_declares_it() -> None:
    hypervisor: Any = {"kind": "hypervisor", "name": "local", "driver": "x", "capabilities": ["snapshot", "pause"]}
    storage: Any = {"kind": "storage", "name": "local", "driver": "y", "capabilities": []}
    assert of_host([hypervisor, storage]) == {"pause"}
    assert of_host([hypervisor, storage, {**storage, "name": "fast", "capabilities": ["snapshot"]}]) == {
        "pause",
        "snapshot",
    }


def test_a_hello_names_each_driver_of_the_host(desk: Any) -> None:
    hello = desk.until(lambda report: report["kind"] == "hello")["body"]["drivers"]
    assert hello["v"] == 1 and json.dumps(hello)
    assert [(one["kind"], one["name"], one["driver"]) for one in hello["instances"]] == [
        ("hypervisor", "local", "fake"), ("network", "local", "fake"), ("storage", "local", "fake"),
        ("volume", "fake", "fake"),
    ]  # fmt: skip
    said = desk.until(lambda report: report["kind"] == "inventory")["body"]
    assert set(said["capabilities"]) == of_host(hello["instances"])
    assert said["drivers"] == dict.fromkeys(KINDS, "fake")


def test_choices_keep_the_default_first() -> None:
    chosen: Choices = choose({"storage": "fast=file:/srv/fast,local=file"})
    assert chosen.main("storage") == Choice("storage", "fast", "file", "/srv/fast")
    assert chosen.names["storage"] == "file"
