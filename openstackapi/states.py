"""What a version of an API can be, as its document of versions says it."""

from typing import Final

CURRENT: Final = "CURRENT"  # the newest one
SUPPORTED: Final = "SUPPORTED"  # an older one that is still served
