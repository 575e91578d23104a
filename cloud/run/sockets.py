"""What the sockets process loads: /ws/, tied to granian's own life."""

from cloud.run.lifeline import end_with_parent

end_with_parent()

from cloud.asgi import application  # noqa: E402

__all__ = ["application"]
