"""A project's quotas: every limit that a service registered, with its words, its use and its form."""

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.errors import CloudError, Invalid
from common.units import human_mib
from identity import policy
from identity.limits import services as quota
from identity.projects.services import PROJECTS
from portal.ui import Text
from portal.ui.details import Card
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Stepped
from portal.ui.tables import Cell

#: Service type → its heading, who may read its limits, who may set them. A service that is not named here has no rule
#: of its own, and only those who administer projects change its limits.
SERVICES: dict[str, tuple[Text, str, str]] = {
    "compute": (gettext_lazy("Compute"), "compute:quota:get", "compute:quota:set"),
    "volumev3": (gettext_lazy("Volume"), "volume:quota:get", "volume:quota:set"),
    "network": (gettext_lazy("Network"), "network:quota:get", "network:quota:update"),
    "image": (gettext_lazy("Images"), "identity:get_project", "identity:update_limit"),
}
WORDS: dict[str, Text] = {
    "instances": gettext_lazy("Instances"), "cores": "vCPUs", "ram": gettext_lazy("Memory"),
    "metadata_items": gettext_lazy("Metadata items"), "key_pairs": gettext_lazy("Key pairs"),
    "server_groups": gettext_lazy("Server groups"), "server_group_members": gettext_lazy("Server group members"),
    "injected_files": gettext_lazy("Injected files"),
    "injected_file_content_bytes": gettext_lazy("Bytes of an injected file"),
    "injected_file_path_bytes": gettext_lazy("Bytes of an injected file's path"),
    "fixed_ips": gettext_lazy("Fixed IPs"), "floating_ips": gettext_lazy("Floating IPs"),
    "security_groups": gettext_lazy("Security groups"), "security_group_rules": gettext_lazy("Security group rules"),
    "network": gettext_lazy("Networks"), "subnet": gettext_lazy("Subnets"), "port": gettext_lazy("Ports"),
    "router": gettext_lazy("Routers"), "floatingip": gettext_lazy("Floating IPs"),
    "security_group": gettext_lazy("Security groups"), "security_group_rule": gettext_lazy("Security group rules"),
    "subnetpool": gettext_lazy("Subnet pools"), "rbac_policy": gettext_lazy("RBAC policies"),
    "image_count_total": gettext_lazy("Images"), "image_size_total": gettext_lazy("Image space"),
    "image_count_uploading": gettext_lazy("Images being uploaded"), "volumes": gettext_lazy("Volumes"),
    "snapshots": gettext_lazy("Snapshots"), "gigabytes": gettext_lazy("Volume space, GiB"),
    "backups": gettext_lazy("Backups"), "backup_gigabytes": gettext_lazy("Backup space, GiB"),
    "per_volume_gigabytes": gettext_lazy("Largest volume, GiB"), "groups": gettext_lazy("Volume groups"),
}  # fmt: skip
IN_MIB = ("ram", "image_size_total")
#: Names of nova-network's time, which count what the network service counts.
OF_OLD = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
MOST = 2**31 - 1


def services() -> list[str]:
    """Those with limits, the known ones first."""
    found = list(dict.fromkeys(row.service for row in quota.registered()))
    return sorted(found, key=lambda name: (list(SERVICES).index(name) if name in SERVICES else 99, name))


def names(service: str) -> list[str]:
    return [row.name for row in quota.registered(service) if not (service == "compute" and row.name in OF_OLD)]


def title(service: str) -> Text:
    return SERVICES[service][0] if service in SERVICES else service


def word(name: str) -> Text:
    return WORDS.get(name, name.replace("_", " "))


def allows(actor: Actor, service: str, verb: str, project: Any) -> bool:
    """Whether the actor may `get` or `set` limits of a service on a project, by the rule of that service's own API."""
    _title, read, write = SERVICES.get(service, ("", "identity:get_project", "identity:update_limit"))
    rule = read if verb == "get" else write
    if rule not in policy.rules():
        rule = "identity:get_project" if verb == "get" else "identity:update_limit"
    aim = {"project_id": project.pk, **PROJECTS.target(project)}
    return policy.allows(actor, rule, aim)


def shown(name: str, value: int) -> str:
    return human_mib(value) if name in IN_MIB else str(value)


def cards(actor: Actor, project: Any) -> list[Card]:
    """Use of each limit as bars, a card a service."""
    found = []
    for service in services():
        if not allows(actor, service, "get", project):
            continue
        use, lines = quota.usage(project.pk, service), []
        for name in names(service):
            used, limit = use[name]
            of = _("of %(limit)s") % {"limit": shown(name, limit)} if limit >= 0 else _("no limit")
            lines.append((word(name), Cell("use", (used, limit, shown(name, used), of), name=name)))
        found.append(Card(title(service), pairs=lines, name=f"quota-{service}"))
    return found


class BelowUse(Invalid):
    template = gettext_lazy("%(used)s are used already. Free some first, or choose at least that many.")


class QuotaForm(Stepped):
    numbered, flat = False, True


class Quota(FormDialog):
    """The project's own limits; -1 is none."""

    panel = "projects"
    title, submit = gettext_lazy("Change quotas"), gettext_lazy("Keep")
    hint = gettext_lazy("-1 is no limit. Memory and image space are in MiB.")
    form_class = QuotaForm

    def heading(self, **keys: str) -> Text:
        return _("Quotas of %(name)s") % {"name": PROJECTS.get(self.actor, keys["id"]).name}

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        project, parts, fields = PROJECTS.get(self.actor, keys["id"]), [], {}
        for service in services():
            if not allows(self.actor, service, "set", project):
                continue
            use, own = quota.usage(project.pk, service), []
            for name in names(service):
                used, limit = use[name]
                fields[f"{service}.{name}"] = forms.IntegerField(
                    label=word(name), min_value=-1, max_value=MOST, initial=limit,
                    widget=forms.NumberInput(attrs={"class": "num", "inputmode": "numeric"}),
                    help_text=_("%(count)s used") % {"count": shown(name, used)},
                )  # fmt: skip
                own.append(f"{service}.{name}")
            parts.append((service, title(service), own))
        form: QuotaForm = type("ProjectQuotaForm", (QuotaForm,), fields)(data)
        form.parts = parts
        return form

    def post(self, request: Any, **keys: str) -> Any:
        form = self.form(request.POST, **keys)
        if form.is_valid():
            try:
                self.keep(form, **keys)
            except CloudError as error:
                form.add_error(None, error.message)
            if form.is_valid():
                return self.go(reverse("project-tab", args=[keys["id"], "usage"]), _("The quotas are kept"))
        return self.show(form, status=422, **keys)

    @transaction.atomic
    def keep(self, form: forms.Form, **keys: str) -> None:
        """What changed, unless it is below what is used: then that stands at its field and nothing is kept."""
        project, changed = PROJECTS.get(self.actor, keys["id"]), []
        for service in services():
            before = quota.usage(project.pk, service)
            for name in names(service):
                value = form.cleaned_data.get(f"{service}.{name}")
                used, limit = before[name]
                if value is None or value == limit:
                    continue
                if 0 <= value < used:
                    error = BelowUse(used=shown(name, used))
                    form.add_error(f"{service}.{name}", error.message)
                    form.fields[f"{service}.{name}"].widget.attrs["aria-invalid"] = "true"
                changed.append((service, name, value))
        for service, name, value in changed if not form.errors else ():
            quota.set(project.pk, service, name, value)
