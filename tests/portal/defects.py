"""What the tests of the portal's defects share: names, things made by the API, and servers that go with their test."""

import uuid
from typing import Any

from tests.live import LiveCloud
from tests.rest import COMPUTE, NETWORK, Rest


def unused(word: str) -> str:
    """A name that nothing has."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


class Things:
    """Makes things by the API, and takes them away again, the last first."""

    def __init__(self, cloud: LiveCloud) -> None:
        self.demo, self.admin = Rest(cloud), Rest(cloud, "admin")
        self._made: list[tuple[Rest, str]] = []

    def make(self, path: str, kind: str, body: dict[str, Any], by: Rest | None = None) -> str:
        """POST it; its id."""
        rest = by or self.demo
        made = rest.ok("POST", path, {kind: body})[kind]
        self._made.append((rest, f"{path}/{made['id']}"))
        return str(made["id"])

    def network(self, name: str, cidr: str = "", by: Rest | None = None, **more: Any) -> str:
        """A network, with a subnet where addresses are given."""
        id = self.make(f"{NETWORK}/networks", "network", {"name": name, **more}, by)
        if cidr:
            body = {"network_id": id, "cidr": cidr, "ip_version": 4}
            (by or self.demo).ok("POST", f"{NETWORK}/subnets", {"subnet": body})
        return id

    def server(self, name: str, status: str = "ACTIVE", **more: Any) -> str:
        """A server of demo's that has come to a status. `more`: as Rest.boot."""
        id = self.demo.boot(name, **more)
        self._made.append((self.demo, f"{COMPUTE}/servers/{id}"))
        self.demo.until(id, status)
        return id

    def remove(self) -> None:
        for rest, path in reversed(self._made):
            if rest.ask("DELETE", path).status == 204 and "/servers/" in path:
                rest.until_gone(path.rpartition("/")[2])
        self._made.clear()
