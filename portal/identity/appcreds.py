"""Application credentials: made, the secret shown once, deleted."""

from datetime import timedelta
from typing import Any

import yaml
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.clock import now
from common.errors import CloudError
from identity.appcreds import services
from identity.models import ApplicationCredential, Role
from portal.access.views import auth_url
from portal.dialogs import Confirm, FormDialog, Text
from portal.forms import Description, Name, Styled
from portal.lists import Action, Cell, Column, Empty, ListPanel, Row
from portal.pages import Page, is_fragment, status_of

DAYS = (
    ("", gettext_lazy("Never")),
    ("1", gettext_lazy("In a day")),
    ("30", gettext_lazy("In 30 days")),
    ("365", gettext_lazy("In a year")),
)


class AppCreds(ListPanel):
    panel, kind, icon = "application-credentials", "application_credential", "fingerprint"
    title = gettext_lazy("Application credentials")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Roles")),
        Column(gettext_lazy("Expires"), hide="m"),
        Column(gettext_lazy("Description"), hide="m"),
        Column("ID", hide="m"),
    )

    def query(self, actor: Actor) -> Any:
        return services.listing(actor, actor.user_id).filter(project_id=actor.project_id or "")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, "", None,
                (Cell("tags", sorted(role.name for role in row.roles.all())), Cell("when", row.expires_at),
                 Cell("muted", row.description), Cell("id", row.pk)),
                menu=reverse("application-credential-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        return Action("create", _("Create credential"), "plus", reverse("application-credential-create"))

    def empty(self) -> Empty:
        text = _(
            "A secret for a script: it acts as you in this project, with the roles you choose, until you delete it."
        )
        return Empty(_("No application credentials yet"), text, "openstack application credential create backup")


class Menu(Page):
    panel = "application-credentials"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        services.get(self.actor, self.actor.user_id, id)
        url = reverse("application-credential-delete", args=[id])
        return self.fragment(
            "portal/menu.html", actions=[Action("delete", _("Delete"), "trash", url, risk=True)], id=id
        )


class CredentialForm(Styled):
    name = Name()
    description = Description()
    roles = forms.MultipleChoiceField(label=gettext_lazy("Roles"), widget=forms.CheckboxSelectMultiple)
    days = forms.ChoiceField(label=gettext_lazy("Expires"), choices=DAYS, required=False)
    unrestricted = forms.BooleanField(label=gettext_lazy("May make further credentials"), required=False)


class Create(FormDialog):
    panel = "application-credentials"
    title, submit = gettext_lazy("Create credential"), gettext_lazy("Create")
    form_class = CredentialForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        mine = Role.objects.filter(pk__in=self.actor.role_ids).order_by("name")
        form.fields["roles"].choices = [(role.pk, role.name) for role in mine]  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {
            "roles": list(Role.objects.filter(pk__in=self.actor.role_ids, name="member").values_list("pk", flat=True))
        }

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        values = form.cleaned_data
        expires = now() + timedelta(days=int(values["days"])) if values["days"] else None
        try:
            row, secret = services.create(
                self.actor, user_id=self.actor.user_id, name=values["name"], description=values["description"] or None,
                roles=[{"id": id} for id in values["roles"]], expires_at=expires, unrestricted=values["unrestricted"],
            )  # fmt: skip
        except CloudError as error:
            form.add_error(None, error.message)
            return self.show(form, status=422 if is_fragment(request) else status_of(error))
        context = {
            "row": row,
            "secret": secret,
            "clouds": clouds(request, row, secret),
            "openrc": openrc(request, row, secret),
        }
        if is_fragment(request):
            return self.fragment("portal/appcred_made.html", **context)
        return self.page("portal/appcred_made_page.html", **context)


def clouds(request: HttpRequest, row: ApplicationCredential, secret: str) -> str:
    auth = {"auth_url": auth_url(request), "application_credential_id": row.pk, "application_credential_secret": secret}
    cloud = {
        "auth_type": "v3applicationcredential",
        "auth": auth,
        "region_name": settings.REGION,
        "identity_api_version": 3,
    }
    return yaml.safe_dump({"clouds": {row.name: cloud}}, sort_keys=False, allow_unicode=True)


def openrc(request: HttpRequest, row: ApplicationCredential, secret: str) -> str:
    lines = {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_AUTH_URL": auth_url(request),
        "OS_APPLICATION_CREDENTIAL_ID": row.pk,
        "OS_APPLICATION_CREDENTIAL_SECRET": secret,
        "OS_REGION_NAME": settings.REGION,
        "OS_IDENTITY_API_VERSION": "3",
    }
    return "".join(f"export {name}='{value}'\n" for name, value in lines.items())


class Delete(Confirm):
    panel = "application-credentials"
    submit, keep = gettext_lazy("Delete the credential"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": services.get(self.actor, self.actor.user_id, keys["id"]).name}

    def text(self, **keys: str) -> Text:
        return _("Whatever uses it stops working at once.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.delete(actor, actor.user_id, keys["id"])
        return reverse("application-credentials"), ""
