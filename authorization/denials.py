"""Recent denials by request id, for `manage.py why` and the portal's page of a request.

A file of JSON lines in STACKLING_DATA, not rows: a denial undoes its transaction, and must cost none. Two files of at
most LARGEST bytes; the older goes.
"""

import json
import logging
from pathlib import Path

from django.conf import settings

from authorization.context import RequestContext
from authorization.explaining import Explanation
from common import file_modes
from common.clock import now

log = logging.getLogger(__name__)

LARGEST = 2 * 1024 * 1024  # bytes of one file


def _file() -> Path:
    return Path(settings.DATA) / "denials" / "denials.jsonl"


def note(actor: RequestContext, why: Explanation) -> None:
    """Keep a denial of a request. A disk that refuses it costs the memory, not the answer."""
    path = _file()
    if not actor.request_id or not path.parent.is_dir():
        return
    entry = {
        "at": now().isoformat(timespec="milliseconds"),
        "request_id": actor.request_id,
        "user": actor.user_name or actor.user_id,
        "user_id": actor.user_id,
        "project_id": actor.project_id,
        **why.as_dict(),
    }
    try:
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old"))
        with path.open("a", encoding="utf-8") as file:
            file_modes.share(file.fileno(), path.parent)
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError as error:
        log.warning("a denial of %s was not kept: %s", actor.request_id, error)


def of_request(request_id: str) -> list[dict[str, object]]:
    """List the denials of one request that are still known, oldest first."""
    found = []
    for path in (_file().with_suffix(".old"), _file()):
        if path.exists():
            with path.open(encoding="utf-8") as file:
                found += [json.loads(line) for line in file if request_id in line and line.endswith("\n")]
    return [entry for entry in found if entry["request_id"] == request_id]
