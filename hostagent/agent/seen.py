"""Which database this host last served, remembered beside its disks.

An older copy of a database, or another one, does not know what was made since: whatever it would have removed here as
unknown was not its to remove. Each order says which database it comes from (contract.host.Cloud); orders of one that this host
has seen newer are refused, until an operator's word (`host.recognise`) says that it counts from now on.
"""

import json
import threading
from pathlib import Path
from typing import Any, Final

from hostagent.contract import VERBS
from hostagent.contract.failures import Failure
from hostagent.contract.host import Cloud
from hostagent.process.durable import read_whole, write_whole

#: What a host says that no longer knows whom it served. It is no database's, so an operator is asked.
UNREADABLE: Final = Cloud(id="unreadable", life="unreadable", count=0)


class Seen:
    """The newest Cloud that this host was ordered by. Written, to the disk, before the order is acted on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cloud: Cloud | None = read_whole(path, _is_cloud, absent=None, damaged=UNREADABLE)
        self._lock = threading.RLock()  # orders come by two queues, on several threads
        self._since = 0.0  # when the order left that brought the newest count

    def accept(self, order: dict[str, Any]) -> None:
        """Raises: Failure estranged for an order of an older database, or of another one. Reading is always allowed.

        One that left before the count rose, and was overtaken by one that left after it, is no older database's.
        """
        got: Cloud | None = order.get("cloud")
        if got is None or VERBS[order["verb"]].of_any_cloud:
            return
        with self._lock:
            have, sent = self.cloud, float(order.get("sent") or 0.0)
            is_lower = have is not None and have["life"] == got["life"] and have["count"] > got["count"]
            if have is not None and (have["id"] != got["id"] or (is_lower and sent > self._since)):
                raise Failure("estranged", have=dict(have), got=dict(got))
            if got != have and not is_lower:
                self._since = sent
                self.take(got)

    def take(self, cloud: Cloud) -> None:
        """Serve this one from now on."""
        with self._lock:
            if cloud == self.cloud:
                return
            write_whole(self._path, json.dumps(cloud))
            self.cloud = cloud


def _is_cloud(said: Any) -> bool:
    return isinstance(said, dict) and {name: type(value) for name, value in said.items()} == Cloud.__annotations__
