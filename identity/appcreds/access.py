"""Whether an application credential's access rules cover a request.

A rule is (service type, method, path). In its path ``*`` and ``{name}`` stand for one segment, ``**`` for any number, as
in keystonemiddleware. Paths are those of the service itself: ``/v2.1/servers`` for ``/api/compute/v2.1/servers``.
"""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden
from common.patterns import glob


class NotCovered(Forbidden):
    template = _("The access rules of this application credential do not cover %(method)s %(path)s.")


def covers(rules: tuple[tuple[str, str, str], ...], service: str, method: str, path: str) -> bool:
    """Whether one of the rules fits; a trailing slash of the request does not matter."""
    path = path.rstrip("/") or "/"
    return any(
        rule_service == service and rule_method == method and glob(rule_path).fullmatch(path)
        for rule_service, rule_method, rule_path in rules
    )


def check(actor: RequestContext, request: HttpRequest) -> None:
    """Raises: NotCovered. An actor without access rules may ask anything."""
    if actor.access_rules is None:
        return
    _empty, _api, service, rest = [*request.path.split("/", 3), "", "", ""][:4]
    if not covers(actor.access_rules, service, request.method or "", f"/{rest}"):
        raise NotCovered(method=request.method, path=request.path)
