"""What the web process loads: pages and APIs, tied to granian's own life."""

from cloud.run.lifeline import end_with_parent
from hostagent import memory

end_with_parent()
memory.few_arenas()

import os  # noqa: E402
from pathlib import Path  # noqa: E402

from django.urls import get_resolver  # noqa: E402

from cloud import uploads  # noqa: E402
from cloud.wsgi import application  # noqa: E402

loaded = get_resolver().url_patterns  # every view is loaded before the first request asks for one
uploads.serve(Path(os.environ["STACKLING_RUN"]) / "uploads.sock", application)
memory.tidy()

__all__ = ["application"]
