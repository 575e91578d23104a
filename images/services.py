"""The image service as other apps see it."""

from images.images.services import create, delete, find, get
from images.images.snapshots import create_snapshot, fail, snapshot_uploaded, source

__all__ = ["create", "create_snapshot", "delete", "fail", "find", "get", "snapshot_uploaded", "source"]
