"""What an agent makes of the guests it finds: after a reboot of the machine all are off, and none has ended by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.drivers.hypervisor.libvirt import Libvirt


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A driver whose connection has just opened, with one guest that is off; `said` and `greeted` are what it told."""
    said: list[str] = []
    greeted: list[bool] = []
    queues = SimpleNamespace(
        submit=lambda key, call, pool="quick": call(), wake=lambda key: None, busy=lambda key: False
    )
    host = SimpleNamespace(
        queues=queues,
        timers=SimpleNamespace(after=lambda seconds, call, every=None: call()),
        reporter=SimpleNamespace(event=lambda name, **facts: said.append(facts["state"])),
        hypervisor_found=lambda: greeted.append(True),
    )
    driver = Libvirt.__new__(Libvirt)
    quiet = SimpleNamespace(
        watch=lambda server_id: None, grew=lambda server_id, data: None, began=lambda server_id: None
    )
    no_stall = SimpleNamespace(ask=lambda question: False)
    vars(driver).update(_host=host, _known={}, _is_first=True, serial=quiet, logs=quiet, _link=no_stall)
    states = {"s1": "shutoff"}
    monkeypatch.setattr(Libvirt, "read_states", lambda self: dict(states))
    monkeypatch.setattr(Libvirt, "_take_up", lambda self, server_id: None)
    return SimpleNamespace(driver=driver, said=said, greeted=greeted, states=states)


def test_what_is_found_first_is_no_event(found: Any) -> None:
    """C8: `shutoff` said of a guest that a power cut ended made its server SHUTOFF for good, before control could start it."""
    found.driver._opened()
    assert (found.said, found.greeted) == ([], [True])
    found.driver._inspect("s1")
    assert found.said == [], "it is known already"


def test_what_happened_while_libvirtd_was_away_is_an_event(found: Any) -> None:
    found.states["s1"] = "running"
    found.driver._opened()
    found.states["s1"] = "shutoff"
    found.driver._opened()
    assert (found.said, found.greeted) == (["shutoff"], [True])
