"""What the cases stand on: room in the quotas, a large network, a thousand servers."""

from typing import Any

from bench.client import Client
from bench.cloud import Running

FILL = """
from bench.fill import fill
fill({project!r}, {count})
"""
COUNT = """
from compute.servers.models import Server
print(Server.objects.living().filter(project_id={project!r}).count())
"""


def create_body(client: Client, name: str, **more: Any) -> dict[str, Any]:
    flavors = {f["name"]: f["id"] for f in client.json("GET", "/api/compute/v2.1/flavors")["flavors"]}
    images = {i["name"]: i["id"] for i in client.json("GET", "/api/image/v2/images")["images"]}
    networks = {n["name"]: n["id"] for n in client.json("GET", "/api/network/v2.0/networks")["networks"]}
    server = {"name": name, "flavorRef": flavors["tiny"], "imageRef": images["demo"]}
    return {"server": {**server, "networks": [{"uuid": networks["private"]}], **more}}


def raise_quotas(cloud: Running, project_id: str, count: int) -> None:
    """Room for `count` servers and their ports in the project."""
    admin = Client(cloud.data, "admin")
    many = {"instances": count, "cores": count * 2, "ram": count * 1024}
    admin.json("PUT", f"/api/compute/v2.1/os-quota-sets/{project_id}", {"quota_set": many})
    admin.json("PUT", f"/api/network/v2.0/quotas/{project_id}", {"quota": {"port": count * 2}})


def big_network(client: Client) -> str:
    """A network with room for some thousands of ports."""
    network = client.json("POST", "/api/network/v2.0/networks", {"network": {"name": "bench"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.90.0.0/16", "enable_dhcp": False}
    client.json("POST", "/api/network/v2.0/subnets", {"subnet": subnet})
    return str(network)


def thousand(cloud: Running) -> None:
    """See that the project has 1,000 servers or more: one is booted, the others are copies of its rows."""
    servers(cloud, 1000)


def servers(cloud: Running, count: int) -> None:
    """See that demo's project has `count` servers or more."""
    client = Client(cloud.data)
    have = int(cloud.manage("shell", "-v0", "-c", COUNT.format(project=client.project_id)).splitlines()[-1])
    if have >= count:
        return
    if not have:  # one to copy; later on the quota has no room
        model = client.json("POST", "/api/compute/v2.1/servers", create_body(client, "model"))["server"]["id"]
        client.wait_for(model)
    cloud.manage("shell", "-v0", "-c", FILL.format(project=client.project_id, count=count - have))


def filled(cloud: Running, count: int) -> None:
    """`count` servers more as rows, on hosts of their own that only the database knows, with what placement holds for them."""
    client = Client(cloud.data)
    model = client.json("POST", "/api/compute/v2.1/servers", create_body(client, "model"))["server"]["id"]
    client.wait_for(model)
    script = f"from bench.fill import fill; fill({client.project_id!r}, {count}, hosts={max(1, count // 30)})"
    cloud.manage("shell", "-v0", "-c", script)
