"""Names of traits and resource classes: the standard ones of os-traits and os-resource-classes, and the form of custom ones."""

import re

import os_resource_classes
import os_traits

STANDARD = frozenset(os_traits.get_traits()) | {"COMPUTE_STATUS_DISABLED"}
RESOURCE_CLASSES = tuple(os_resource_classes.STANDARDS)
CUSTOM = re.compile(r"^CUSTOM_[A-Z0-9_]{1,248}\Z")
NAME = re.compile(r"^[A-Z0-9_]{1,255}\Z")
