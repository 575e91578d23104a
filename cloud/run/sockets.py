"""What the sockets process loads: /ws/, tied to granian's own life."""

from cloud.run.lifeline import end_with_parent
from hostagent import memory

end_with_parent()
memory.few_arenas()

from cloud.asgi import application  # noqa: E402
from cloud.metrics import local  # noqa: E402

local.serve("sockets")

memory.tidy()

__all__ = ["application"]
