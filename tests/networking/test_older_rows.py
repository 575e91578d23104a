"""What migrations fill in for rows of 953748c: whose a port is (networking 0002), which server's it is (compute 0003)."""

from importlib import import_module
from typing import Any

from django.apps import apps

from compute.servers.models import Server
from networking.floatingips import services as floatingips
from networking.networks import services as networks
from networking.ports import services as ports
from networking.ports.devices import Attachment
from networking.ports.models import Port
from networking.routers import interfaces
from networking.routers import services as routers
from networking.subnets import services as subnets

NETWORKING = import_module("networking.migrations.0002_whose_a_port_is")
COMPUTE = import_module("compute.migrations.0003_readable_images")


def columns() -> dict[str, tuple[str, str | None, str]]:
    return {port.id: (port.role, port.router_id, port.server_id) for port in Port.objects.all()}


def server(project: str, name: str) -> Server:
    return Server.objects.create(
        name=name, hostname=name, project_id=project, user_id="u", flavor={}, vm_state="active"
    )


def test_older_ports_are_given_to_whom_they_belong(agents: Any, demo: Any, admin: Any, private: Any) -> None:
    """A1, A2: a router's interfaces, a gateway, a floating address, DHCP and a guest's port; texts that others wrote count nothing."""
    outside = networks.create(admin, name="outside", external=True)
    subnets.create(admin, network_id=outside.id, cidr="172.30.0.0/24")
    subnet = private.subnets.get()
    router = routers.create(demo, name="r", external_gateway_info={"network_id": outside.id})
    interfaces.add(demo, router.id, subnet_id=subnet.id)
    floatingips.create(demo, network_id=outside.id)
    mine, theirs = server(demo.project_id, "mine"), server("e" * 32, "theirs")
    told = Attachment(mine.id, mine.project_id, "compute:nova", mine.hostname)
    ports.create(demo, network_id=private.id, attachment=told)
    free = ports.create(demo, network_id=private.id)
    Port.objects.filter(pk=free.pk).update(device_id=theirs.id, device_owner="compute:nova")
    for owner, device in (("network:router_interface", "nothing"), ("network:dhcp", f"dhcp-{private.id}")):
        forged = ports.create(demo, network_id=private.id)
        Port.objects.filter(pk=forged.pk).update(device_id=device, device_owner=owner)
    wanted = columns()
    kinds = {role for role, _router, _server in wanted.values()}
    assert kinds == {"", "network:dhcp", "network:router_interface", "network:router_gateway", "network:floatingip"}
    Port.objects.update(role="", router=None, server_id="")
    NETWORKING.fill(apps, None)
    COMPUTE.plug(apps, None)
    assert columns() == wanted
    NETWORKING.fill(apps, None)
    COMPUTE.plug(apps, None)
    assert columns() == wanted, "twice is once"


def test_older_servers_read_what_their_project_may(db: None) -> None:
    """A3: the image itself, and of what its properties name only what the project sees."""
    from images.images.models import Image

    def image(project: str, **more: Any) -> Image:
        return Image.objects.create(project_id=project, name="i", status="active", **more)

    root, own, public = image("red"), image("red", visibility="private"), image("blue", visibility="public")
    private = image("blue", visibility="private")

    def row(kernel: str, ramdisk: str = "") -> Server:
        meta = {"properties": {"kernel_id": kernel, "ramdisk_id": ramdisk}}
        made = server("red", "s")
        Server.objects.filter(pk=made.pk).update(image_id=root.id, image_meta=meta, readable_images=[])
        return made

    first, second = row(own.id, public.id), row(private.id)
    none = server("red", "none")
    COMPUTE.readable(apps, None)
    assert set(Server.objects.get(pk=first.pk).readable_images) == {root.id, own.id, public.id}
    assert Server.objects.get(pk=second.pk).readable_images == [root.id]
    assert Server.objects.get(pk=none.pk).readable_images == []
