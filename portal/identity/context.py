"""The domain in which identity's lists look: the session's own, or one that an operator set as context."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Forbidden
from identity.domains.services import DOMAINS
from identity.models import Domain
from identity.resource import home_domain
from portal.ui.calls import Call, to
from portal.ui.lists import ListPanel
from portal.ui.menus import Verb

KEY = "domain_context"


def chosen(request: HttpRequest, actor: RequestContext) -> Domain | None:
    """Return the domain that an operator set as context, if it is still there; a domain's own session has none."""
    id = request.session.get(KEY)
    if not id or actor.domain_id:
        return None
    return Domain.objects.filter(pk=id).first()


def for_new(request: HttpRequest, actor: RequestContext) -> str:
    """Return the domain of what is made now."""
    row = chosen(request, actor)
    return row.pk if row is not None else home_domain(actor)


def choosable(actor: RequestContext) -> list[tuple[str, str]]:
    """(id, name) of the domains in which the actor may make things."""
    try:
        return [(row.pk, row.name) for row in DOMAINS.listing(actor, {"enabled": "true"}).order_by("name")]
    except Forbidden:
        own = Domain.objects.filter(pk=home_domain(actor))
        return [(row.pk, row.name) for row in own]


class DomainList(ListPanel):
    """A list of things that live in domains. `domain_field`: the column that says which."""

    domain_field: ClassVar[str] = "domain_id"

    def inside(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        row = chosen(self.request, self.actor)
        return rows.filter(**{self.domain_field: row.pk}) if row is not None else rows

    def describe(self, actor: RequestContext) -> dict[str, object]:
        return {**super().describe(actor), "domain_context": chosen(self.request, actor)}


def set_context(call: Call) -> str:
    """Set the domain in which the lists look now, and return its name."""
    call.request.session[KEY] = call.row.pk
    return str(call.row.name)


SET_CONTEXT = Verb(
    panel="domains",
    find=DOMAINS.get,
    do=set_context,
    next=to("domains"),
    said=lambda name: _("Projects, users and groups are those of %(name)s.") % {"name": name},
)
CLEAR_CONTEXT = Verb(
    panel="domains",
    do=lambda call: call.request.session.pop(KEY, None),
    next=to("domains"),
    said=gettext_lazy("Lists show every domain again."),
)
