"""States of an API's version in documents of versions."""

from typing import Final

CURRENT: Final = "CURRENT"  # the newest one
SUPPORTED: Final = "SUPPORTED"  # an older one that is still served
