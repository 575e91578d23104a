"""States of an API's version in documents of versions, and of a service that is asked whether it works."""

from typing import Final

CURRENT: Final = "CURRENT"  # the newest one
STABLE: Final = "stable"  # Keystone's word for the one that is served
SUPPORTED: Final = "SUPPORTED"  # an older one that is still served

READY: Final = "ok"
NOT_READY: Final = "not ready"
