"""I2: whether a guest's port answers is tried from its router, while somebody looks, and believed of that router's host alone."""

from datetime import timedelta
from typing import Any

import pytest

from authorization.context import RequestContext
from common.clock import now
from hostagent.contract import capabilities
from hosts.models import Host
from networking.floatingips import services as floatingips
from networking.networks.models import Network
from networking.ports import probing
from networking.ports import services as ports
from networking.ports.models import Port, Probe
from networking.routers import interfaces
from networking.routers import services as routers
from networking.routers.models import Router
from operations import background
from tests.networking.conftest import Agents


@pytest.fixture
def casts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What leaves for hosts; control does its background work at once."""
    found: list[tuple[str, dict[str, Any]]] = []
    enqueue = background.enqueue
    monkeypatch.setattr(
        background, "enqueue", lambda kind, key: probing.send(key) if kind == probing.KIND else enqueue(kind, key)
    )
    monkeypatch.setattr(probing.hosts, "send", lambda host, verb, body, **more: found.append((host, dict(body))))
    return found


@pytest.fixture
def port(agents: Agents, external: Network, private: Network, demo: RequestContext) -> Port:
    """A port with a floating IP, whose router is on host1, which can try it."""
    Host.objects.filter(name="host1").update(capabilities=[capabilities.PROBE.name])
    router = routers.create(demo, name="r", external_gateway_info={"network_id": external.id})
    interfaces.add(demo, router_id=router.id, subnet_id=private.subnets.get().id)
    made = ports.create(demo, network_id=private.id)
    floatingips.create(demo, network_id=external.id, port_id=made.id)
    Router.objects.filter(pk=router.id).update(host="host1")
    return made


def said(port: Port, found: object = "open", line: object = "SSH-2.0-OpenSSH_9.2") -> dict[str, object]:
    return {"port_id": port.id, "number": probing.SSH, "found": found, "said": line}


def test_a_port_is_tried_once_in_a_while_at_the_address_behind_its_floating_ip(port: Port, casts: list[Any]) -> None:
    assert probing.ask(port) and not probing.ask(port)
    (cast,) = casts
    router = Router.objects.get()
    ip = port.fixed_ips.get().ip_address
    assert cast == ("host1", {"port_id": port.id, "router_id": router.id, "ip": ip, "number": 22})
    Probe.objects.update(asked_at=now() - probing.EVERY - timedelta(seconds=1))
    assert probing.ask(port) and len(casts) == 2


def test_a_port_that_no_router_leads_to_or_whose_host_cannot_is_not_tried(
    port: Port, casts: list[Any], private: Network, demo: RequestContext
) -> None:
    assert not probing.ask(ports.create(demo, network_id=private.id))
    Host.objects.filter(name="host1").update(capabilities=[])
    assert not probing.ask(port) and not casts and not Probe.objects.exists()


def test_what_was_found_is_told_while_it_is_fresh(port: Port, casts: list[Any]) -> None:
    assert probing.latest(port) is None
    probing.ask(port)
    assert probing.latest(port) is None
    probing.on_probed("host1", said(port))
    found = probing.latest(port)
    assert found is not None and (found.found, found.said) == ("open", "SSH-2.0-OpenSSH_9.2")
    Probe.objects.update(answered_at=now() - probing.COUNTS)
    assert probing.latest(port) is None


def test_only_the_router_s_host_is_believed_and_only_about_what_was_asked(port: Port, casts: list[Any]) -> None:
    probing.on_probed("host1", said(port))
    assert not Probe.objects.exists()
    probing.ask(port)
    for host, body in (
        ("host2", said(port)),
        ("host1", said(port, found="yes")),
        ("host1", said(port, line=["x"])),
        ("host1", {**said(port), "number": "22"}),
        ("host1", {**said(port), "port_id": "x" * 100}),
    ):
        probing.on_probed(host, body)
        assert probing.latest(port) is None
    probing.on_probed("host1", said(port, line="x" * 500))
    found = probing.latest(port)
    assert found is not None and len(found.said) == 128
