"""Application credentials: made, the secret shown once, deleted."""

from datetime import datetime
from typing import Any

import yaml
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.clock import now
from common.errors import CloudError
from identity.appcreds import services
from identity.crud import Duplicate
from identity.models import ApplicationCredential, Role, Service
from portal.access.views import auth_url, region
from portal.identity.several import each
from portal.ui import Text
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Description, Name, Stepped
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action
from portal.ui.pages import Page, is_fragment, status_of
from portal.ui.tables import Bulk, Cell, Column, Filter, Row
from portal.ui.widgets import Rules


class AppCreds(ListPanel):
    """One's own, of every project."""

    panel, kind, icon = "application-credentials", "application_credential", "fingerprint"
    title = gettext_lazy("Application credentials")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Project"), hide="m", sort="project__name"),
        Column(gettext_lazy("Description"), hide="l"),
        Column(gettext_lazy("Expires"), sort="expires_at"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Roles"), hide="m"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    def query(self, actor: Actor) -> Any:
        return services.listing(actor, actor.user_id).select_related("project")

    def rows(self, actor: Actor, found: Any) -> list[Row]:
        return [
            Row(
                row.pk, row.name, "", None,
                (Cell("muted", row.project.name if row.project else ""), Cell("muted", row.description),
                 expiry(row), Cell("id", row.pk), Cell("tags", sorted(role.name for role in row.roles.all()))),
                menu=reverse("application-credential-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip

    def create(self, actor: Actor) -> Action:
        why = "" if actor.project_id else _("Choose a project first: it acts in one")
        return Action("create", _("Create credential"), "plus", reverse("application-credential-create"), "wide", why)

    def bulk(self, actor: Actor) -> tuple[Bulk, ...]:
        url = reverse("application-credentials-delete") + "?ids="
        return (Bulk("delete", _("Delete…"), "trash", url, risk=True),)

    def empty(self) -> Empty:
        text = _(
            "A secret for a script: it acts as you in this project, with the roles you choose, until you delete it."
        )
        return Empty(_("No application credentials yet"), text, "openstack application credential create backup")


def expiry(row: ApplicationCredential) -> Cell:
    if row.expires_at is None:
        return Cell("muted", _("never"))
    return Cell("when", row.expires_at, note=_("expired") if row.expires_at <= now() else "")


class Menu(Page):
    panel = "application-credentials"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        services.get(self.actor, self.actor.user_id, id)
        url = reverse("application-credential-delete", args=[id])
        return self.fragment("ui/menu.html", actions=[Action("delete", _("Delete"), "trash", url, risk=True)], id=id)


class CredentialForm(Stepped):
    name = Name()
    description = Description()
    secret = forms.CharField(
        label=gettext_lazy("Secret"), required=False, strip=False, max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("Nothing: the cloud makes one."),
    )  # fmt: skip
    expires_on = forms.DateField(
        label=gettext_lazy("Expiry date"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Nothing: it never expires."),
    )  # fmt: skip
    expires_at = forms.TimeField(
        label=gettext_lazy("Expiry time"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    unrestricted = forms.BooleanField(
        label=gettext_lazy("Unrestricted"), required=False,
        help_text=gettext_lazy("It may make and delete further application credentials and trusts. Whoever steals it may, too."),
    )  # fmt: skip
    roles = forms.MultipleChoiceField(label=gettext_lazy("Roles"), widget=forms.CheckboxSelectMultiple)
    access_rules = Rules(
        label=gettext_lazy("Access rules"), required=False,
        help_text=gettext_lazy("With rules, only these requests. * stands for one part of a path, ** for the rest."),
    )  # fmt: skip
    kubernetes_url = forms.URLField(
        label=gettext_lazy("Kubernetes API server"), required=False, assume_scheme="https",
        help_text=gettext_lazy("With it a kubeconfig is offered beside clouds.yaml."),
    )  # fmt: skip
    kubernetes_namespace = forms.RegexField(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", label=gettext_lazy("Kubernetes namespace"), required=False, max_length=63
    )
    numbered = False
    parts = (
        ("info", gettext_lazy("Information"), ("name", "description", "secret", "expires_on", "expires_at", "unrestricted")),
        ("roles", gettext_lazy("Roles"), ("roles",)),
        ("rules", gettext_lazy("Access rules"), ("access_rules",)),
        ("kubernetes", "Kubernetes", ("kubernetes_url", "kubernetes_namespace")),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        day, at = found.get("expires_on"), found.get("expires_at")
        if at and not day:
            self.add_error("expires_on", _("A time needs its date."))
        if day:
            moment = datetime.combine(day, at or datetime.min.time())
            found["expires"] = timezone.make_aware(moment, timezone.get_current_timezone())
            if found["expires"] <= now():
                self.add_error("expires_on", _("This is past. The time counts in your time zone."))
        return found


class Create(FormDialog):
    panel = "application-credentials"
    recent = True
    title, submit = gettext_lazy("Create credential"), gettext_lazy("Create")
    form_class = CredentialForm
    places = ((Duplicate, "name"),)

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        mine = Role.objects.filter(pk__in=self.actor.role_ids).order_by("name")
        form.fields["roles"].choices = [(role.pk, role.name) for role in mine]  # type: ignore[attr-defined]
        types = Service.objects.filter(enabled=True).order_by("type").values_list("type", flat=True)
        form.fields["access_rules"].widget.services = list(dict.fromkeys(types))  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        own = Role.objects.filter(pk__in=self.actor.role_ids)
        return {
            "roles": list(own.filter(name="member").values_list("pk", flat=True) or own.values_list("pk", flat=True))
        }

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        values = form.cleaned_data
        try:
            row, secret = services.create(
                self.actor, user_id=self.actor.user_id, name=values["name"], description=values["description"] or None,
                secret=values["secret"] or None, roles=[{"id": id} for id in values["roles"]],
                expires_at=values.get("expires"), unrestricted=values["unrestricted"],
                access_rules=values["access_rules"],
            )  # fmt: skip
        except CloudError as error:
            self.blame(form, error)
            return self.show(form, status=422 if is_fragment(request) else status_of(error))
        context = {
            "row": row,
            "secret": secret,
            "clouds": clouds(request, row, secret),
            "openrc": openrc(request, row, secret),
            "kubeconfig": kubeconfig(request, row, secret, values) if values["kubernetes_url"] else "",
        }
        if is_fragment(request):
            return self.fragment("identity/appcred_made.html", **context)
        return self.page("identity/appcred_made_page.html", **context)


def clouds(request: HttpRequest, row: ApplicationCredential, secret: str) -> str:
    auth = {"auth_url": auth_url(request), "application_credential_id": row.pk, "application_credential_secret": secret}
    cloud = {
        "auth_type": "v3applicationcredential",
        "auth": auth,
        "region_name": region(request),
        "identity_api_version": 3,
    }
    return yaml.safe_dump({"clouds": {row.name: cloud}}, sort_keys=False, allow_unicode=True)


def openrc(request: HttpRequest, row: ApplicationCredential, secret: str) -> str:
    lines = {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_AUTH_URL": auth_url(request),
        "OS_APPLICATION_CREDENTIAL_ID": row.pk,
        "OS_APPLICATION_CREDENTIAL_SECRET": secret,
        "OS_REGION_NAME": region(request),
        "OS_IDENTITY_API_VERSION": "3",
    }
    quoted = {name: "'" + value.replace("'", "'\\''") + "'" for name, value in lines.items()}
    return "".join(f"export {name}={value}\n" for name, value in quoted.items())


def kubeconfig(request: HttpRequest, row: ApplicationCredential, secret: str, values: dict[str, Any]) -> str:
    """For kubectl with client-keystone-auth, the login helper of cloud-provider-openstack."""
    name = row.name
    arguments = [
        f"--keystone-url={auth_url(request)}",
        f"--application-credential-id={row.pk}",
        f"--application-credential-secret={secret}",
    ]
    helper = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "client-keystone-auth",
        "args": arguments,
        "interactiveMode": "Never",
    }
    context = {"cluster": name, "user": name}
    if values["kubernetes_namespace"]:
        context["namespace"] = values["kubernetes_namespace"]
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": values["kubernetes_url"]}}],
        "users": [{"name": name, "user": {"exec": helper}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


class Delete(Confirm):
    """One (`id` in the address) or several (?ids=)."""

    panel = "application-credentials"
    submit, keep = gettext_lazy("Delete"), gettext_lazy("Keep")

    def found(self, **keys: str) -> list[ApplicationCredential]:
        ids = [keys["id"]] if "id" in keys else self.request.GET.get("ids", "").split(",")
        return [services.get(self.actor, self.actor.user_id, id) for id in ids if id]

    def heading(self, **keys: str) -> Text:
        rows = self.found(**keys)
        if len(rows) == 1:
            return _("Delete %(name)s?") % {"name": rows[0].name}
        return _("Delete these %(count)s credentials?") % {"count": len(rows)}

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        rows = self.found(**keys)
        return [(row.name, row.project.name if row.project else "") for row in rows] if len(rows) > 1 else []

    def text(self, **keys: str) -> Text:
        return _("Whatever uses it stops working at once.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        rows = self.found(**keys)
        _done, wrong = each([row.pk for row in rows], lambda id: services.delete(actor, actor.user_id, id))
        for sentence in wrong:
            messages.error(self.request, sentence)
        return reverse("application-credentials"), ""
