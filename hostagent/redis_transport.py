"""Redis as control and agents use it: nothing is acknowledged.

An acknowledgement takes four Redis commands a message, up to half of control's time, and would give back what a killed
process had taken only after an hour. What such a message said is found again within seconds: control sweeps its rows and
asks silent hosts again, agents repeat their reports.
"""

from functools import partial
from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """Keeps its client: redis-py's takes a tenth of a millisecond to make, and kombu makes one for each command.

    Its pipelines are no MULTI: a Redis that is full refuses every command inside one, reading and deleting too, and an agent
    that comes back could not throw away what filled it.
    """

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
            self._kept.pipeline = partial(self._kept.pipeline, transaction=False)
        return self._kept

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Queues are consumed without acknowledgement (broker.queue), so there is nothing to forget."""


class Transport(redis.Transport):
    Channel = Channel
