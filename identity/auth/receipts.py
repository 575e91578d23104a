"""Auth receipts: what was proven so far, when a user's rules ask for more methods (Keystone's Openstack-Auth-Receipt).

A receipt is Fernet under a key of its own, so none can pass for a token, nor a token for a receipt.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
from cryptography.fernet import InvalidToken
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Unauthorized
from identity.models import User
from keystore.secret import fernet
from openstackapi.fields import iso_micro_z

HEADER = "Openstack-Auth-Receipt"
PURPOSE = "identity.receipts"
LIFETIME = timedelta(minutes=5)


class ReceiptNotFound(Unauthorized):
    template = _("Could not find auth receipt: it is unknown, has expired, or belongs to another user. Begin again.")


class MethodsTooFew(Unauthorized):
    """Carries `user_id`, `methods` and `required`, from which the API makes a receipt."""

    template = _("This user must authenticate with more methods: %(rules)s.")

    def __init__(self, user_id: str = "", methods: tuple[str, ...] = (), required: Any = (), **data: Any) -> None:
        self.user_id, self.methods, self.required = user_id, methods, [list(rule) for rule in required]
        data.setdefault("rules", "; ".join(" + ".join(rule) for rule in self.required))
        super().__init__(**data)


@dataclass(frozen=True, slots=True)
class Receipt:
    user_id: str
    methods: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


def issue(user_id: str, methods: tuple[str, ...]) -> tuple[str, Receipt]:
    """Issue a receipt and its text."""
    moment = now().replace(microsecond=0)
    receipt = Receipt(user_id, methods, moment, moment + LIFETIME)
    times = [int(receipt.issued_at.timestamp()), int(receipt.expires_at.timestamp())]
    text = fernet(PURPOSE).encrypt(msgpack.packb([user_id, list(methods), *times]))
    return text.decode().rstrip("="), receipt


def read(text: str) -> Receipt:
    """Raises: ReceiptNotFound, also when the user's password changed since."""
    try:
        raw = fernet(PURPOSE).decrypt((text + "=" * (-len(text) % 4)).encode())
    except (InvalidToken, ValueError, TypeError):
        raise ReceiptNotFound() from None
    user_id, methods, issued, expires = msgpack.unpackb(raw)
    receipt = Receipt(
        user_id, tuple(methods), datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(expires, UTC)
    )
    changed = User.objects.filter(pk=user_id).values_list("password_changed_at", flat=True).first()
    stale = changed is not None and changed.replace(microsecond=0) > receipt.issued_at
    if receipt.expires_at <= now() or stale:
        raise ReceiptNotFound()
    return receipt


#: What `body` makes.
SHOWN = {
    "receipt": {
        "methods": [str],
        "user": {"id": str, "name": str, "domain": {"id": str, "name": str}},
        "expires_at": str,
        "issued_at": str,
    },
    "required_auth_methods": [[str]],
}


def body(error: MethodsTooFew) -> tuple[str, dict[str, object]]:
    """Return the text of a new receipt and the answer that goes with it."""
    text, receipt = issue(error.user_id, error.methods)
    user = User.objects.select_related("domain").get(pk=error.user_id)
    shown = {
        "methods": list(receipt.methods),
        "user": {
            "id": user.pk,
            "name": user.name,
            "domain": {"id": user.domain_id, "name": user.domain.name},
        },
        "expires_at": iso_micro_z(receipt.expires_at),
        "issued_at": iso_micro_z(receipt.issued_at),
    }
    return text, {"receipt": shown, "required_auth_methods": error.required}
