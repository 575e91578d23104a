"""os-instance_usage_audit_log: which hosts have written usage audits of the last whole month, for operators.

No host of ours writes such audits (os-simple-tenant-usage computes usage when asked), so every host is told as one
that has not run: what Nova says with `instance_usage_audit` off, its default.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common import moments
from common.clock import now
from common.errors import Invalid
from compute.views import ComputeView, Response
from hosts.models import Host

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def _moment(text: str) -> datetime:
    """Parse the time in the URL. Raises: Invalid."""
    found = moments.formed(text, *_FORMS)
    if found is None:
        raise Invalid(reason=_("Invalid timestamp for date %(text)s"), text=text)
    return found


def _audit(before: datetime) -> dict[str, object]:
    """The last whole month before `before`, and what is known of its audits."""
    end = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = (end - timedelta(days=1)).replace(day=1)
    names = sorted(host.name for host in Host.objects.all() if "compute" in host.roles)
    return {
        "hosts_not_run": names,
        "log": {},
        "num_hosts": len(names),
        "num_hosts_done": 0,
        "num_hosts_not_run": len(names),
        "num_hosts_running": 0,
        "overall_status": f"0 of {len(names)} hosts done. 0 errors.",
        "period_beginning": begin.strftime(_FORMS[0]),
        "period_ending": end.strftime(_FORMS[0]),
        "total_errors": 0,
        "total_instances": 0,
    }


_AUDIT = {
    "hosts_not_run": [str],
    "log": dict,
    "num_hosts": int,
    "num_hosts_done": int,
    "num_hosts_not_run": int,
    "num_hosts_running": int,
    "overall_status": str,
    "period_beginning": str,
    "period_ending": str,
    "total_errors": int,
    "total_instances": int,
}


class UsageAudits(ComputeView):
    answers = {"get": {200: {"instance_usage_audit_logs": _AUDIT}}}

    def get(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-instance-usage-audit-log:list")
        return Response({"instance_usage_audit_logs": _audit(now())})


class UsageAudit(ComputeView):
    answers = {"get": {200: {"instance_usage_audit_log": _AUDIT}}}

    def get(self, request: object, before: str) -> Response:
        policy.require(self.actor, "os_compute_api:os-instance-usage-audit-log:show")
        return Response({"instance_usage_audit_log": _audit(_moment(before))})
