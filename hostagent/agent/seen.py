"""Which database this host last served, remembered beside its disks.

An older copy of a database, or another one, does not know what was made since: whatever it would have removed here as
unknown was not its to remove. Each cast says which database it comes from (contract.host.Cloud); casts of one that this host
has seen newer are refused, until an operator's word (`host.recognise`) says that it counts from now on.
"""

import json
import threading
from pathlib import Path
from typing import Final

from hostagent.contract import VERBS
from hostagent.contract.failures import Failure
from hostagent.contract.host import Cloud
from hostagent.contract.messages import Cast
from hostagent.process.durable import read_whole, write_whole

#: Stands for a database that a host no longer knows, since its file was damaged: no cast matches it, so an operator is asked.
UNREADABLE: Final = Cloud(id="unreadable", life="unreadable", count=0)


class Seen:
    """The newest Cloud that this host had a cast from. Written, to the disk, before the cast is acted on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cloud: Cloud | None = read_whole(path, _is_cloud, absent=None, damaged=UNREADABLE)
        self._lock = threading.RLock()  # casts come by two queues, on several threads
        self._since = 0.0  # when the cast left that brought the newest count

    def accept(self, cast: Cast) -> None:
        """Raises: Failure estranged for a cast of an older database, or of another one. Reading is always allowed.

        One that left before the count rose, and was overtaken by one that left after it, is no older database's.
        """
        got = cast.get("cloud")
        if got is None or VERBS[cast["verb"]].of_any_cloud:
            return
        with self._lock:
            have, sent = self.cloud, float(cast.get("sent") or 0.0)
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


def _is_cloud(said: object) -> bool:
    return isinstance(said, dict) and {name: type(value) for name, value in said.items()} == Cloud.__annotations__
