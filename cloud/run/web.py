"""The web process: loads pages and APIs, and ends with granian."""

from cloud.run import lean
from cloud.run.parent_death import end_with_parent
from hostagent.process import memory

end_with_parent()
memory.few_arenas()
lean.without_unused_drivers()

from django.urls import get_resolver  # noqa: E402

from cloud import traces  # noqa: E402
from cloud.wsgi import application  # noqa: E402

traces.start("web")

loaded = get_resolver().url_patterns  # every view is loaded before the first request asks for one
memory.tidy()

__all__ = ["application"]
