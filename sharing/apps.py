"""Sharing: one instance, image or network for one user or group."""

from common import registration


class SharingConfig(registration.CloudAppConfig):
    """Its tables are called identity's, as they were when they lay there."""

    name = "sharing"
    verbose_name = "Sharing"
