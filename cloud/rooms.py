"""The cloud's own apps, the lowest first. Settings, import contracts and tests read them here: a new app is a row.

Apps of one row stand side by side: neither imports the other. This module imports nothing, for programs without Django read it too.
"""

from typing import Final

LAYERS: Final[tuple[tuple[str, ...], ...]] = (
    ("common",),
    ("authorization", "quota"),
    ("audit",),
    ("keystore",),
    ("openstackapi",),
    ("operations",),
    ("outbox",),
    ("identity",),
    ("sharing",),
    ("hosts",),
    ("placement",),
    ("images", "networking"),
    ("volumes",),
    ("compute",),
    ("telemetry",),
    ("portal",),
)
APPS: Final = tuple(app for layer in LAYERS for app in layer)
