"""OS-REVOKE."""

from typing import Any

from rest_framework.response import Response

from common import moments
from identity.appcreds.api import parse_time
from identity.models import Revocation
from identity.resource import enforce
from identity.views import IdentityView, collected
from openstackapi.fields import iso_micro_z

_NAMES = {
    "trust_id": "OS-TRUST:trust_id",
    "consumer_id": "OS-OAUTH1:consumer_id",
    "access_token_id": "OS-OAUTH1:access_token_id",
}


class Events(IdentityView):
    answers = {"get": {200: collected("events", {"issued_before": str, "revoked_at": str, str: str})}}
    queries = {"get": {"since": str}}

    def get(self, request: Any) -> Response:
        enforce(self.actor, "identity:list_revoke_events")
        rows = Revocation.objects.order_by("revoked_at")
        since = parse_time(request._request.GET.get("since"))
        rows = rows.filter(moments.compared("revoked_at", "gte", since)) if since else rows
        return self.collection("events", [_show(row) for row in rows])


def _show(row: Revocation) -> dict[str, object]:
    times = {"issued_before": iso_micro_z(row.issued_before), "revoked_at": iso_micro_z(row.revoked_at)}
    return {_NAMES.get(row.kind, row.kind): row.subject, **times}
