"""Quotas' limits are Keystone's unified limits."""

from identity.limits.rows import UnifiedLimits
from quota import services as quota


def register() -> None:
    quota.use(UnifiedLimits())
