"""Quotas: counting under a lock, and the limits that hold."""

from common import registration


class QuotaConfig(registration.CloudAppConfig):
    """Its table is called identity's, as it was when it lay there."""

    name = "quota"
    verbose_name = "Quotas"
