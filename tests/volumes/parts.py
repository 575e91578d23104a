"""What tests of volumes share: a simulated host that told of its backends, and a client of the API."""

from typing import Any

from rest_framework.test import APIClient

from hosts import services as hosts
from hosts.models import Host
from tests.simulated import Cloud
from volumes.types import services as types

URL = "/api/volume/v3"


def host_with_backends(cloud: Cloud, name: str = "host1", **more: Any) -> Host:
    """Make a host whose agent has said hello and told what it has."""
    cloud.host(name, **more)
    return told(cloud, name)


def told(cloud: Cloud, name: str) -> Host:
    """Have a host's agent tell what it has, and the types of volumes be there."""
    row = Host.objects.get(name=name)
    agent = cloud.agent(name)
    row.driver_instances = list(agent.drivers["instances"])
    row.inventory |= {"backends": {name: backend.read_facts() for name, backend in agent.backends.items()}}
    row.save()
    hosts.tell_inventory(row)
    types.seed()
    return row


class Volumes(APIClient):
    """A client of the volume API whose answers are checked."""

    def ok(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = getattr(self, method)(f"{URL}/{path}", body, format="json")
        assert answer.status_code == status, (method, path, answer.status_code, answer.content)
        return answer.json() if answer.content else None

    def create(self, **values: Any) -> str:
        made = self.ok("post", "volumes", {"volume": {"size": 1, "name": "one", **values}}, status=202)
        return str(made["volume"]["id"])

    def snapshot(self, volume_id: str, **values: Any) -> str:
        made = self.ok("post", "snapshots", {"snapshot": {"volume_id": volume_id, **values}}, status=202)
        return str(made["snapshot"]["id"])

    def show(self, id: str) -> Any:
        return self.ok("get", f"volumes/{id}")["volume"]
