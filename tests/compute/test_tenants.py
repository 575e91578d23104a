"""What is one project's never reaches another: whose a port is, and which images a guest's host reads."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compute.metadata import api as metadata
from compute.servers.lifecycle import domain, groups
from compute.servers.models import Server
from hosts.models import Host
from images.images.models import Image
from networking.desired import rendering
from networking.floatingips import services as floatingips
from networking.networks import services as networks
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports import updates
from networking.ports.devices import DeviceIDNotOwnedByTenant
from networking.ports.models import Port
from networking.rbac import services as rbac
from networking.routers import interfaces
from networking.routers import services as routers
from networking.routers.models import Router
from networking.subnets import services as subnets
from tests.compute.client import Client
from tests.simulated import Cloud, actor

SECRET = "#!/bin/sh\n# the victim's password"
MALLORY = actor("mallory")
ADMIN = actor("admin", "admin")


@pytest.fixture(autouse=True)
def everything(settings: Any, world: Cloud) -> None:
    settings.ROOT_URLCONF = "cloud.urls"


@pytest.fixture
def victim(launch: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server of project red with user data; agents are let in without a seal."""
    monkeypatch.setattr(metadata, "authenticate_agent", lambda request: Host.objects.get(name="host1"))
    text = base64.b64encode(SECRET.encode()).decode()
    return Server.objects.get(id=launch(user_data=text))


@pytest.fixture
def mallory(signed_in: Callable[..., Client]) -> Client:
    return signed_in("mallory")


def net_of(project: str, cidr: str = "10.66.0.0/24", **more: Any) -> Network:
    who = actor(project)
    network = networks.create(ADMIN if more else who, name=f"of-{project}", project_id=project, **more)
    subnets.create(ADMIN, network_id=network.id, cidr=cidr, ip_version=4)
    return network


def claims(server: str, owner: str = "compute:nova") -> dict[str, str]:
    return {"device_id": server, "device_owner": owner}


def ask(path: str, **who: str) -> Any:
    names = {f"HTTP_X_STACKLING_{name.upper()}": value for name, value in who.items()}
    return Client().get(f"/internal/metadata/{path}", **names)


def address_of(port: Port) -> str:
    return str(port.fixed_ips.values_list("ip_address", flat=True)[0])


# ── Ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("owner", ["compute:nova", "compute:", "Octavia", ""])
def test_the_api_refuses_a_port_that_names_anothers_server(victim: Server, mallory: Client, owner: str) -> None:
    """A1, A2: neither a new port nor a changed one carries the id of another project's living server."""
    network = net_of("mallory")
    body = {"port": {"network_id": network.id, **claims(victim.id, owner)}}
    made = mallory.ask("post", "/api/network/v2.0/ports", body)
    assert made.status_code == 409, made.content
    assert made.json()["NeutronError"]["type"] == "DeviceIDNotOwnedByTenant"
    own = ports.create(MALLORY, network_id=network.id)
    changed = mallory.ask("put", f"/api/network/v2.0/ports/{own.id}", {"port": claims(victim.id, owner)})
    assert changed.status_code == 409
    assert Port.objects.get(id=own.id).device_id == ""


def test_a_refusal_does_not_tell_whether_the_server_exists(victim: Server, mallory: Client) -> None:
    """A1: who claims `compute:` of an id hears the same of one that lives and of one that nobody has."""
    network = net_of("mallory")
    heard = []
    for id in (victim.id, "00000000-1111-4222-8333-444444444444"):
        answer = mallory.ask("post", "/api/network/v2.0/ports", {"port": {"network_id": network.id, **claims(id)}})
        heard.append((answer.status_code, answer.content.decode().replace(id, "ID")))
    assert heard[0] == heard[1]
    assert heard[0][0] == 409


def test_free_text_is_taken_as_in_neutron(victim: Server, red: Client, network: Network) -> None:
    """A1: `device_id` and `device_owner` stay settable: any text, one's own server, and both again to nothing."""
    for said in (claims("lb-1", "Octavia"), claims(victim.id), claims("", "")):
        port = red.ok("post", "/api/network/v2.0/ports", {"port": {"network_id": network.id, **said}}, status=201)
        assert {name: port["port"][name] for name in said} == said
    id = port["port"]["id"]
    for said in (claims("anything", "some:thing"), claims(victim.id), claims("", "")):
        port = red.ok("put", f"/api/network/v2.0/ports/{id}", {"port": said})
        assert {name: port["port"][name] for name in said} == said
    assert [row["port_id"] for row in domain.ports_of(victim)] == [Port.objects.of_server(victim).get().id]


@pytest.fixture
def forged(victim: Server) -> Port:
    """A port of mallory's with the victim's id in its text, as a database of an older version may hold it."""
    port = ports.create(MALLORY, network_id=net_of("mallory").id)
    Port.objects.filter(id=port.id).update(**claims(victim.id))
    return Port.objects.get(id=port.id)


def test_the_metadata_service_tells_nothing_to_a_port_that_only_says_so(victim: Server, forged: Port) -> None:
    """A1: user data, keys and password are read and written by the address of a port that compute plugged, only."""
    for path in ("openstack/latest/user_data", "latest/user-data", "openstack/latest/meta_data.json"):
        answer = ask(path, network=forged.network_id, client=address_of(forged))
        assert answer.status_code == 404, answer.content
    who = {"HTTP_X_STACKLING_NETWORK": forged.network_id, "HTTP_X_STACKLING_CLIENT": address_of(forged)}
    path = "/internal/metadata/openstack/latest/password"
    assert Client().generic("POST", path, b"mine", "text/plain", **who).status_code == 404
    assert Server.objects.get(id=victim.id).guest_password == ""
    own = Port.objects.of_server(victim).get()
    assert ask("latest/user-data", network=own.network_id, client=address_of(own)).content.decode() == SECRET


def test_no_reader_takes_a_port_that_only_says_so(victim: Server, forged: Port, red: Client, admin: Client) -> None:
    """A2: domain, config drive, network data, groups, addresses, interfaces, counts and deletion know one port."""
    own = Port.objects.of_server(victim).get()
    marks = (forged.id, forged.mac_address, address_of(forged), forged.network_id, "of-mallory")
    Server.objects.filter(id=victim.id).update(config_drive=True)
    victim.refresh_from_db()
    drive = domain.spec(victim)
    seen = [
        json.dumps({**drive, "config_drive": [base64.b64decode(v).decode() for v in drive["config_drive"].values()]})
    ]
    seen.append(json.dumps(groups.groups_of(victim)))
    for path in ("", "/os-interface", "/ips", "/os-security-groups", "/diagnostics"):
        seen.append(admin.ask("get", f"servers/{victim.id}{path}", version="2.96").content.decode())
    seen.append(red.ask("get", "servers/detail").content.decode())
    assert [(mark, text[:80]) for text in seen for mark in marks if mark in text] == []
    red.ok("delete", f"servers/{victim.id}", status=204)
    assert Port.objects.filter(id=forged.id, network=forged.network_id).exists()
    assert own.id in seen[0]


def test_a_host_is_never_told_of_a_leg_that_only_says_so(world: Cloud, host: Any, mallory: Client) -> None:
    """A2's sibling: a port that names another's router and `network:router_interface` becomes no interface of it."""
    router = routers.create(actor("red"), name="theirs")
    interfaces.add(actor("red"), router.id, subnet_id=net_of("red").subnets.get().id)
    body = {"network_id": net_of("mallory", "10.77.0.0/24").id, **claims(router.id, "network:router_interface")}
    assert mallory.ask("post", "/api/network/v2.0/ports", {"port": body}).status_code == 409
    port = ports.create(MALLORY, network_id=body["network_id"])
    Port.objects.filter(id=port.id).update(**claims(router.id, "network:router_interface"))
    found = rendering.render([f"router:{router.id}"])[f"router:{router.id}"]["host1"]["interfaces"]
    assert [interface["port_id"] for interface in found] == [router.ports.get().id]
    interfaces.remove(actor("red"), router.id, subnet_id=found and router.ports.get().fixed_ips.get().subnet_id)
    routers.delete(actor("red"), router.id)


def test_a_server_takes_no_port_of_another_project(victim: Server, mallory: Client, image: Image) -> None:
    """A2's sibling: who owns a network sees others' ports there, and may not make them interfaces of own servers."""
    shared = net_of("mallory")
    rbac.create(MALLORY, object_type="network", object_id=shared.id, action="access_as_shared", target_tenant="red")
    port = ports.create(actor("red"), network_id=shared.id)
    body = {"name": "x", "imageRef": image.id, "flavorRef": "tiny", "networks": [{"port": port.id}]}
    answer = mallory.ask("post", "servers", {"server": body})
    assert answer.status_code == 400, answer.content
    assert Port.objects.get(id=port.id).server_id == ""


def test_a_router_takes_no_port_of_another_project(victim: Server, mallory: Client) -> None:
    """A2's sibling: the same port becomes no interface of the network owner's router."""
    shared = net_of("mallory")
    rbac.create(MALLORY, object_type="network", object_id=shared.id, action="access_as_shared", target_tenant="red")
    port = ports.create(actor("red"), network_id=shared.id)
    router = routers.create(MALLORY, name="mine")
    path = f"/api/network/v2.0/routers/{router.id}/add_router_interface"
    assert mallory.ask("put", path, {"port_id": port.id}).status_code == 404
    assert Port.objects.get(id=port.id).role == ""


def test_an_attached_port_stays_its_servers_whatever_is_written(victim: Server, red: Client, image: Image) -> None:
    """A2: clearing the text gives the port to nobody else; it goes with its server."""
    port = Port.objects.of_server(victim).get()
    red.ok("put", f"/api/network/v2.0/ports/{port.id}", {"port": claims("", "")})
    body = {"name": "x", "imageRef": image.id, "flavorRef": "tiny", "networks": [{"port": port.id}]}
    assert red.ask("post", "servers", {"server": body}).status_code == 409
    router = routers.create(actor("red"), name="mine")
    with pytest.raises(interfaces.PortInUse):
        interfaces.add(actor("red"), router.id, port_id=port.id)
    assert domain.ports_of(victim)[0]["port_id"] == port.id


# ── Metadata through routers ────────────────────────────────────────────────────────────────────────────────────────


def test_a_strangers_router_says_nothing_of_guests_on_a_shared_network(victim: Server) -> None:
    """A1's sibling: a router of mallory's with an interface on red's shared network, and an extra route that brings red's
    address to mallory's guest, does not make the metadata service answer for red's guest there."""
    shared = Network.objects.get(project_id="red")
    rbac.create(ADMIN, object_type="network", object_id=shared.id, action="access_as_shared", target_tenant="mallory")
    router = routers.create(MALLORY, name="mine")
    interface = ports.create(MALLORY, network_id=shared.id)
    interfaces.add(MALLORY, router.id, port_id=interface.id)
    address = address_of(Port.objects.of_server(victim).get())
    assert ask("latest/user-data", router=router.id, client=address).status_code == 404
    theirs = routers.create(actor("red"), name="red's own")
    interfaces.add(actor("red"), theirs.id, subnet_id=shared.subnets.get().id)
    assert ask("latest/user-data", router=theirs.id, client=address).content.decode() == SECRET


def test_a_router_answers_for_the_subnets_of_its_interfaces_alone(victim: Server) -> None:
    """A1's sibling: an address of a subnet without an interface is another's where the interface's network has two subnets."""
    router = routers.create(actor("red"), name="r")
    other = subnets.create(actor("red"), network_id=net_of("red", "10.50.0.0/24").id, cidr="10.51.0.0/24", ip_version=4)
    interfaces.add(actor("red"), router.id, subnet_id=other.id)
    port = Port.objects.of_server(victim).get()
    network = Network.objects.get(id=other.network_id)
    updates.set_addresses(port, [])
    Port.objects.filter(id=port.id).update(network=network)
    port.refresh_from_db()
    updates.set_addresses(port, [{"ip_address": "10.50.0.9"}])
    assert ask("latest/user-data", router=router.id, client="10.50.0.9").status_code == 404
    updates.set_addresses(port, [{"ip_address": "10.51.0.9"}])
    assert ask("latest/user-data", router=router.id, client="10.51.0.9").content.decode() == SECRET


def test_a_floating_ip_never_leads_through_a_strangers_router(victim: Server) -> None:
    """A2's sibling: mallory's router on a shared network carries no floating IP of others who have ports there."""
    outside = net_of("admin", "203.0.113.0/24", external=True)
    shared = Network.objects.get(project_id="red")
    rbac.create(ADMIN, object_type="network", object_id=shared.id, action="access_as_shared", target_tenant="mallory")
    router = routers.create(MALLORY, name="mine", external_gateway_info={"network_id": outside.id})
    interfaces.add(MALLORY, router.id, port_id=ports.create(MALLORY, network_id=shared.id).id)
    port = Port.objects.of_server(victim).get()
    with pytest.raises(floatingips.ExternalGatewayForFloatingIPNotFound):
        floatingips.create(actor("red"), network_id=outside.id, port_id=port.id)
    assert not Router.objects.get(id=router.id).floating_ips.exists()


def test_the_relation_asks_for_the_same_project(victim: Server) -> None:
    """A2: even a row whose `server_id` were wrong is no interface of a server of another project."""
    port = ports.create(MALLORY, network_id=net_of("mallory").id)
    Port.objects.filter(id=port.id).update(server_id=victim.id)
    assert port.id not in [row["port_id"] for row in domain.ports_of(victim)]
    assert ask("latest/user-data", network=port.network_id, client=address_of(port)).status_code == 404
    assert all(row["port_id"] != port.id for row in ports.addresses({victim.id: "red"})[victim.id])


def test_an_administrator_gives_nobody_a_port_that_names_anothers_server(victim: Server) -> None:
    """A2: the port's project counts, not who asks."""
    network = net_of("mallory")
    with pytest.raises(DeviceIDNotOwnedByTenant):
        ports.create(ADMIN, network_id=network.id, project_id="mallory", **claims(victim.id))


# ── Images ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def image_of(folder: Any, project: str, visibility: str = "private", **properties: str) -> Image:
    row = Image.objects.create(
        project_id=project, name=f"of {project}", status="active", visibility=visibility, disk_format="raw",
        container_format="bare", size=4, virtual_size=4, os_hash_algo="sha512", os_hash_value="cd" * 64, inspected=True,
        properties=properties,
    )  # fmt: skip
    (Path(folder) / row.id).write_bytes(b"mine")
    return row


@pytest.mark.parametrize("key", ["kernel_id", "ramdisk_id"])
def test_an_image_that_names_anothers_private_image_boots_nowhere(
    victim: Server, world: Cloud, mallory: Client, settings: Any, key: str
) -> None:
    """A3: kernel and ramdisk are asked about as the image itself is, at create and at rebuild; no host is told."""
    private = image_of(settings.IMAGE_STORE, "red")
    names = {"kernel_id": image_of(settings.IMAGE_STORE, "mallory").id, key: private.id}
    bad = image_of(settings.IMAGE_STORE, "mallory", **names)
    good = image_of(settings.IMAGE_STORE, "mallory")
    body = {"name": "x", "imageRef": bad.id, "flavorRef": "tiny", "networks": "none"}
    answer = mallory.ask("post", "servers", {"server": body}, version="2.37")
    assert answer.status_code == 400, answer.content
    assert private.name not in answer.content.decode()
    made = mallory.ok("post", "servers", {"server": {**body, "imageRef": good.id}}, status=202, version="2.37")
    world.settle()
    id = made["server"]["id"]
    answer = mallory.ask("post", f"servers/{id}/action", {"rebuild": {"imageRef": bad.id}})
    assert answer.status_code == 400, answer.content
    world.settle()
    assert private.id not in json.dumps(world.orders)


def test_a_server_whose_row_names_anothers_image_tells_no_host(victim: Server, settings: Any) -> None:
    """A3: what was written before, or changed since, is not read: the order is built of the images that were checked."""
    private = image_of(settings.IMAGE_STORE, "mallory")
    victim.image_meta = {"properties": {"kernel_id": private.id}}
    with pytest.raises(Exception, match=private.id):
        domain.spec(victim)
    with pytest.raises(Exception, match=private.id):
        domain.disk(victim, private.id)


@pytest.mark.parametrize("visibility", ["public", "community"])
def test_a_kernel_that_all_may_see_boots(
    victim: Server, world: Cloud, mallory: Client, settings: Any, visibility: str
) -> None:
    """A3: the check refuses nothing that the image service shows."""
    kernel = image_of(settings.IMAGE_STORE, "red", visibility)
    good = image_of(settings.IMAGE_STORE, "mallory", kernel_id=kernel.id)
    body = {"name": "x", "imageRef": good.id, "flavorRef": "tiny", "networks": "none"}
    made = mallory.ok("post", "servers", {"server": body}, status=202, version="2.37")
    world.settle()
    server = Server.objects.get(id=made["server"]["id"])
    assert server.vm_state == "active"
    assert domain.spec(server)["kernel"]["id"] == kernel.id
    assert server.readable_images == [good.id, kernel.id]
