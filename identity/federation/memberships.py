"""Groups that identity providers put users into, where they count outside of the provider's own tokens and sessions."""

import time
from datetime import UTC, datetime
from typing import Any

from identity.models import MappedMembership
from openstackapi.fields import iso_micro_z


def unexpired() -> Any:
    """Return those whose authorization_ttl still runs."""
    return MappedMembership.objects.filter(until__gt=int(time.time()))


def ends(user_id: str) -> dict[str, str | None]:
    """Group id → when the user's membership ends, of those that end."""
    rows = unexpired().filter(user_id=user_id).exclude(group__users=user_id).values_list("group_id", "until")
    return {group_id: iso_micro_z(datetime.fromtimestamp(until, UTC)) for group_id, until in rows}
