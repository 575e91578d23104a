"""The image service's tables: who deletes their rows and when (common.keeping), and what is recorded of their changes (audit.registry).

A test holds both against the models: a new table needs its lines.
"""

from audit import registry
from audit.registry import Audited, part
from common import keeping
from common.keeping import by_people, gone_with, periodic_task

_IMG = "service/storage/image"

KEEPERS = {
    "images.Image": by_people("image delete"),
    "images.ImageMember": gone_with("images.Image"),
    "images.ImageTag": gone_with("images.Image"),
    "images.Namespace": by_people("metadata definitions: namespace delete"),
    "images.Definition": gone_with("images.Namespace"),
    "images.Task": periodic_task("images.prune"),
}

#: Types are CADF's, as Keystone's notifications and keystonemiddleware's audit maps say them.
AUDITED = {
    "images.Image": Audited(
        f"{_IMG}/images", subject="image", skip=frozenset({"alive_at", "upload_id", "inspected", "checksum", "os_hash_algo", "os_hash_value"})
    ),
    "images.ImageMember": part(part_of="images.Image", by="image_id", part="members"),
    "images.ImageTag": part(part_of="images.Image", by="image_id", part="tags", value="value"),
    "images.Namespace": Audited(f"{_IMG}/metadefs/namespaces", name="namespace"),
    "images.Definition": part(part_of="images.Namespace", by="namespace_id", part="definitions", value="name"),
    "images.Task": Audited(f"{_IMG}/tasks", name="type", skip=frozenset({"status", "result", "message", "error_code", "error_data", "expires_at"})),
}  # fmt: skip


def register() -> None:
    keeping.declare(KEEPERS)
    registry.declare(AUDITED)
