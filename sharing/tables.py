"""The tables of shares: who deletes their rows (common.keeping), and how their changes are recorded (audit.registry)."""

from functools import partial

from django.contrib.auth.models import Permission

from audit import registry
from audit.registry import Audited
from common import keeping
from common.keeping import gone_with


def level_of(permission_id: object) -> str:
    """Return the name of a share's level."""
    return str(
        Permission.objects.filter(pk=str(permission_id)).values_list("codename", flat=True).first() or permission_id
    )


_share = partial(
    Audited, "data/security/share", name="", own=True, skip=frozenset({"key"}), shown={"permission_id": level_of},
    called={"permission_id": "level"},
)  # fmt: skip


def register() -> None:
    keeping.declare(
        {"identity.UserShare": gone_with("identity.User"), "identity.GroupShare": gone_with("identity.Group")}
    )
    registry.declare({"identity.UserShare": _share(), "identity.GroupShare": _share()}, {})
