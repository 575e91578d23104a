"""OS-REVOKE."""

from typing import Any

from rest_framework.response import Response

from identity.appcreds.api import parse_time
from identity.crud import enforce
from identity.models import RevocationEvent
from identity.views import IdentityView
from openstackapi.fields import iso_micro_z

_IDS = ("user_id", "project_id", "domain_id", "role_id", "trust_id", "consumer_id", "access_token_id")
_NAMES = {
    "trust_id": "OS-TRUST:trust_id",
    "consumer_id": "OS-OAUTH1:consumer_id",
    "access_token_id": "OS-OAUTH1:access_token_id",
}
_AUDIT = ("audit_id", "audit_chain_id")


class Events(IdentityView):
    def get(self, request: Any) -> Response:
        enforce(self.actor, "identity:list_revoke_events")
        rows = RevocationEvent.objects.order_by("revoked_at")
        since = parse_time(request._request.GET.get("since"))
        rows = rows.filter(revoked_at__gte=since) if since else rows
        return self.collection("events", [_show(row) for row in rows])


def _show(row: RevocationEvent) -> dict[str, Any]:
    shown = {_NAMES.get(name, name): getattr(row, name) for name in (*_IDS, *_AUDIT) if getattr(row, name) is not None}
    return {**shown, "issued_before": iso_micro_z(row.issued_before), "revoked_at": iso_micro_z(row.revoked_at)}
