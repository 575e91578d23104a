"""Application credentials: made, the secret shown once, deleted."""

from datetime import datetime
from typing import Any

import yaml
from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.clock import now
from identity.appcreds import services
from identity.models import ApplicationCredential, Role, Service
from identity.resource import Duplicate
from portal.access.views import auth_url, region
from portal.ui.calls import Call
from portal.ui.dialogs import FormDialog, Shown
from portal.ui.forms import Description, Name, Stepped
from portal.ui.lists import Empty, ListPanel
from portal.ui.menus import Action, Menu
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, Filter, attr
from portal.ui.widgets import Rules


def expiry(row: ApplicationCredential) -> Cell:
    if row.expires_at is None:
        return Cell("muted", _("never"))
    return Cell("when", row.expires_at, note=_("expired") if row.expires_at <= now() else "")


class AppCreds(ListPanel):
    """One's own, of every project."""

    panel, kind, menu = "application-credentials", "application_credential", "application-credential-menu"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Project"), hide="m", sort="project__name", cell=attr("muted", "project__name")),
        Column(gettext_lazy("Description"), hide="l", cell=attr("muted", "description")),
        Column(gettext_lazy("Expires"), sort="expires_at", cell=expiry),
        Column("ID", hide="l", cell=attr("id", "pk")),
        Column(
            gettext_lazy("Roles"),
            hide="m",
            cell=lambda row: Cell("tags", sorted(role.name for role in row.roles.all())),
        ),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))
    empty = Empty(
        gettext_lazy("No application credentials yet"),
        gettext_lazy(
            "A secret for a script: it acts as you in this project, with the roles you choose, until you delete it."
        ),
        "openstack application credential create backup",
    )

    def query(self, actor: RequestContext) -> Any:
        return services.listing(actor, actor.user_id).select_related("project")

    def create(self, actor: RequestContext) -> Action:
        why = "" if actor.project_id else _("Choose a project first: it acts in one")
        return Action("create", _("Create credential"), "plus", reverse("application-credential-create"), "wide", why)

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("application-credentials-delete") + "?ids=", risk=True),)


def find(actor: RequestContext, id: str) -> ApplicationCredential:
    """Find one of the actor's own. Raises: as services.get()."""
    return services.get(actor, actor.user_id, id)


def verbs(call: Call) -> list[Action]:
    url = reverse("application-credential-delete", args=[call.row.pk])
    return [Action("delete", _("Delete"), "trash", url, risk=True)]


MENU = Menu(panel="application-credentials", find=find, actions=verbs)


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

    def clean(self) -> dict[str, object]:
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


def own_roles(actor: RequestContext) -> Any:
    return Role.objects.filter(pk__in=actor.role_ids).order_by("name")


def begin(call: Call) -> dict[str, object]:
    """Begin with the member role, of who has it; else all."""
    own = own_roles(call.actor)
    return {"roles": [*own.filter(name="member").values_list("pk", flat=True)] or [*own.values_list("pk", flat=True)]}


def offer_services(call: Call, form: Any) -> None:
    """Offer the services that a rule can name."""
    types = Service.objects.filter(enabled=True).order_by("type").values_list("type", flat=True)
    form.fields["access_rules"].widget.services = list(dict.fromkeys(types))


def create(call: Call, values: dict[str, Any]) -> Shown:
    """Create the secret and the files with it, this once."""
    request = call.request
    row, secret = services.create(
        call.actor, user_id=call.actor.user_id, name=values["name"], description=values["description"] or None,
        secret=values["secret"] or None, roles=[{"id": id} for id in values["roles"]],
        expires_at=values.get("expires"), unrestricted=values["unrestricted"],
        access_rules=values["access_rules"],
    )  # fmt: skip
    files = {"clouds": clouds(request, row, secret), "openrc": openrc(request, row, secret)}
    files["kubeconfig"] = kubeconfig(request, row, secret, values) if values["kubernetes_url"] else ""
    return Shown("identity/appcred_made.html", row.name, {"row": row, "secret": secret, **files})


CREATE = FormDialog(
    panel="application-credentials",
    recent=True,
    title=gettext_lazy("Create credential"),
    submit=gettext_lazy("Create"),
    form=CredentialForm,
    initial=begin,
    choices={"roles": lambda call: [(role.pk, role.name) for role in own_roles(call.actor)]},
    prepare=offer_services,
    places=((Duplicate, "name"),),
    do=create,
)


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
    """Write a kubeconfig for kubectl with client-keystone-auth, the login helper of cloud-provider-openstack."""
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


#: One's own, of any project.
DELETE = Removal(
    panel="application-credentials",
    find=find,
    route="application-credentials",
    text=gettext_lazy("Whatever uses it stops working at once."),
    one=gettext_lazy("Delete the application credential"),
    bulk=gettext_lazy("Delete the application credentials"),
    about=lambda row: row.project.name if row.project else "",
    remove=lambda call, id: services.delete(call.actor, call.actor.user_id, id),
)
