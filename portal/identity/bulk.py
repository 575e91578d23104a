"""Deleting and switching things of identity, one or many: each by its own verb, with what went wrong for each."""

from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Conflict
from identity.resource import Resource
from portal.ui.calls import MOST, Call, Declared, carry_out
from portal.ui.pages import Page, shown_at
from portal.ui.removal import Removal, each


class OwnGround(Conflict):
    template = gettext_lazy("%(name)s is you, or where you are now, and stays.")


def not_own(actor: RequestContext, row: Any) -> None:
    """Refuse to delete or disable what the actor's own session stands on: user, project, domains. Raises: OwnGround."""
    here = {actor.user_id, actor.project_id, actor.domain_id, actor.user_domain_id, actor.project_domain_id}
    if row.pk in here:
        raise OwnGround(name=getattr(row, "name", row.pk))


@dataclass(frozen=True, kw_only=True)
class Deletion(Removal):
    """The dialog that deletes things of a `kind` as the kind deletes, unless `remove` says otherwise."""

    kind: Resource[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "find", lambda actor, id: self.kind.allow(actor, "delete", id))

    def delete(self, call: Call, id: str) -> None:
        if self.remove is not None:
            super().delete(call, id)
        else:
            self.kind.delete(call.actor, id)

    def delete_other(self, call: Call, id: str) -> None:
        not_own(call.actor, self.kind.find(id))
        super().delete_other(call, id)


class Switch(Page):
    """POST: one (`id` in the address) to its other state, or all `ids` to `to` (enable or disable)."""

    kind: Resource[Any] = cast("Resource[Any]", None)  # as_view says it
    route = ""

    def post(self, request: HttpRequest, id: str = "", to: str = "") -> HttpResponse:
        if id:
            row = self.kind.get(self.actor, id)
            self.change(id, {"enabled": not row.enabled})
            return self.go(shown_at(request) or reverse(self.route))
        wanted = {"enabled": to == "enable"}
        done = len(each(request, request.POST.getlist("ids")[:MOST], lambda one: self.change_other(one, wanted, to)))
        word = _("%(count)s enabled") if wanted["enabled"] else _("%(count)s disabled")
        return self.go(reverse(self.route), word % {"count": done})

    def change_other(self, id: str, wanted: dict[str, bool], to: str) -> None:
        if not wanted["enabled"]:
            not_own(self.actor, self.kind.find(id))
        self.change(id, wanted, to=to)

    def change(self, id: str, wanted: dict[str, bool], **keys: str) -> None:
        call = Call(self.request, self.actor, Declared(panel=self.panel), {"id": id, **keys})
        carry_out(call, lambda: self.kind.update(self.actor, id, wanted))
