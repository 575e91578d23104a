"""What the web process loads: pages and APIs, tied to granian's own life."""

from cloud.run.lifeline import end_with_parent

end_with_parent()

from cloud.wsgi import application  # noqa: E402

__all__ = ["application"]
