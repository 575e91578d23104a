"""Audit records in words: actions, outcomes, and what kinds of things are called. Sentences of what was done: portal/ui/deeds.py."""

from functools import cache

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.models import Event
from portal.ui import Text, panels
from portal.ui.status import Status

ACTIONS: dict[str, Text] = {
    "create": _("Create"),
    "update": _("Change"),
    "delete": _("Delete"),
    "read": _("Read"),
    "revoke": _("Revoke"),
    "authenticate": _("Sign in"),
    "authenticate/logout": _("Sign out"),
    "update/start": _("Start"),
    "update/stop": _("Stop"),
    "update/reboot": _("Reboot"),
    "update/pause": _("Pause"),
    "update/unpause": _("Unpause"),
    "update/suspend": _("Suspend"),
    "update/resume": _("Resume"),
    "update/rebuild": _("Rebuild"),
    "update/resize": _("Resize"),
    "update/confirmResize": _("Confirm resize"),
    "update/revertResize": _("Revert resize"),
    "update/migrate": _("Migrate"),
    "update/shelve": _("Shelve"),
    "update/unshelve": _("Unshelve"),
    "update/rescue": _("Rescue"),
    "update/unrescue": _("Leave rescue"),
    "update/createImage": _("Take snapshot"),
    "update/createBackup": _("Take backup"),
    "update/attach_interface": _("Attach interface"),
    "update/detach_interface": _("Detach interface"),
    "update/upload": _("Upload"),
    "update/retry": _("Retry what broke"),
    "update/abandon": _("Give up what broke"),
    "renew": _("Renew"),
    "backup": _("Back up"),
}
CONSOLE = "service/compute/servers/remote-consoles"

#: Filter of the list: prefix of the actions it keeps → label.
CHOICES: tuple[tuple[str, Text], ...] = (
    ("create", _("Create")),
    ("update", _("Change")),
    ("delete", _("Delete")),
    ("authenticate", _("Sign in")),
)
OUTCOMES: tuple[tuple[str, Text], ...] = (
    ("success", pgettext_lazy("outcome", "Done")),
    ("failure", pgettext_lazy("outcome", "Failed")),
    ("pending", pgettext_lazy("outcome", "Begun")),
)

TYPES: dict[str, Text] = {
    "service/compute/servers": _("Instance"),
    CONSOLE: _("Console"),
    f"{CONSOLE}/links": _("Link to look on"),
    "service/portal/vnc": _("Console"),
    "service/compute/os-keypairs": _("Key pair"),
    "service/compute/os-server-groups": _("Server group"),
    "service/compute/os-aggregates": _("Host aggregate"),
    "service/compute/flavors": _("Flavor"),
    "compute/node": _("Host"),
    "service/network/networks": _("Network"),
    "service/network/subnets": _("Subnet"),
    "service/network/ports": _("Port"),
    "service/network/routers": _("Router"),
    "service/network/floatingips": _("Floating IP"),
    "service/network/security-groups": _("Security group"),
    "service/network/security-group-rules": _(
        "Security group rule"
    ),  # records of before rules were a part of their group
    "service/network/subnetpools": _("Subnet pool"),
    "service/network/address-scopes": _("Address scope"),
    "service/network/rbac-policies": _("Shared network"),
    "service/network/agents": _("Network agent"),
    "service/network/tags": _("Tag"),
    "service/storage/image/images": _("Image"),
    "service/storage/image/tasks": _("Image import"),
    "service/storage/image/metadefs/namespaces": _("Metadata definitions"),
    "service/placement/allocations": _("Allocation"),
    "service/placement/resource_classes": _("Resource class"),
    "service/placement/resource_providers": _("Resource provider"),
    "service/placement/traits": _("Trait"),
    "data/security/account/user": _("User"),
    "service/security/account/user": _("User"),
    "data/security/region": _("Region"),
    "data/security/service": _("Service"),
    "data/security/endpoint": _("Endpoint"),
    "data/security/policy": _("Policy"),
    "data/security/domain": _("Domain"),
    "data/security/domain/option": _("Domain setting"),
    "data/security/group": _("Group"),
    "data/security/project": _("Project"),
    "data/security/role": _("Role"),
    "data/security/share": _("Share"),
    "data/security/trust": _("Trust"),
    "data/security/credential": _("Credential"),
    "data/security/credential/application": _("Application credential"),
    "data/security/credential/access_rule": _("Access rule"),
    "data/security/credential/oauth1": _("OAuth consumer"),
    "data/security/credential/token": _("Token"),
    "data/security/credential/session": _("Session"),
    "data/security/identity": _("Identity provider"),
    "data/security/identity/client": _("Client of an identity provider"),
    "data/security/identity/mapping": _("Mapping"),
    "data/security/identity/protocol": _("Federation protocol"),
    "data/security/identity/service_provider": _("Service provider"),
    "data/security/endpoint/group": _("Endpoint group"),
    "data/security/endpoint/project": _("Project's endpoint"),
    "data/security/limit": _("Limit"),
    "data/security/limit/registered": _("Registered limit"),
    "data/security/system": _("The whole cloud"),
    "data/security/account": _("User"),
    "data/security/keys": _("Keys of the cloud"),
    "data/storage/backup": _("Backup of the cloud"),
}

#: What the address of a refused request leads to, where that is not named as in records of changes (audit.records.denied).
ADDRESSES: dict[str, str] = {
    **{f"service/identity/{name}s": f"data/security/{name}" for name in (
        "domain", "endpoint", "group", "limit", "project", "region", "role", "service", "credential",
    )},
    "service/identity/users": "data/security/account/user",
    "service/identity/policies": "data/security/policy",
    "service/identity/registered_limits": "data/security/limit/registered",
    "service/identity/role_assignments": "data/security/role",
    "service/identity/system": "data/security/system",
    "service/identity/auth": "data/security/credential/token",
    "service/identity/OS-TRUST": "data/security/trust",
    "service/identity/OS-FEDERATION": "data/security/identity",
    "service/identity/OS-OAUTH1": "data/security/credential/oauth1",
    "service/identity/OS-EP-FILTER": "data/security/endpoint/group",
    "service/image/images": "service/storage/image/images",
    "service/image/metadefs": "service/storage/image/metadefs/namespaces",
    "service/image/tasks": "service/storage/image/tasks",
    **dict.fromkeys(("service/identity/ec2tokens", "service/identity/s3tokens"), "data/security/credential/token"),
    **dict.fromkeys(("service/compute/os-quota-sets", "service/network/quotas", "service/volume/os-quota-sets"), "data/security/limit"),
    **dict.fromkeys(("service/compute/os-networks", "service/compute/os-tenant-networks"), "service/network/networks"),
    **dict.fromkeys(("service/compute/os-security-groups", "service/compute/os-security-group-rules"), "service/network/security-groups"),
    **dict.fromkeys(("service/compute/os-volumes_boot", "service/compute/os-server-external-events"), "service/compute/servers"),
    **dict.fromkeys(("service/compute/os-quota-class-sets", "service/volume/os-quota-class-sets"), "data/security/limit/registered"),
    "service/compute/os-floating-ips": "service/network/floatingips",
    "service/compute/os-hosts": "compute/node",
    "service/compute/images": "service/storage/image/images",
    **{f"service/volume/{name}": f"service/storage/block/{name}" for name in ("snapshots", "types", "volumes")},
    "service/volume/os-services": "service/storage/block/backends",
    "service/image/stores": "service/storage/image/images",
    "service/identity/OS-INHERIT": "data/security/role",
    "service/identity/shares": "data/security/share",
    "service/compute/os-hypervisors": "compute/node",
    "service/compute/os-services": "compute/node",
}  # fmt: skip


def action(row: Event) -> Text:
    if row.target_type == CONSOLE and row.action == "create":
        return _("Open console")
    return ACTIONS.get(row.action) or row.action.partition("/")[2] or row.action


@cache
def types() -> dict[str, Text]:
    """Type of a target → its word: those here, and those that panels say of what is theirs."""
    return {**TYPES, **{type: word for panel in panels.panels() for type, word in panel.recorded.items()}}


def kind(row: Event) -> Text:
    """Name the kind of an event's target: its word, else the menu's for a page of the portal, else the last part of its type."""
    last = row.target_type.rpartition("/")[2]
    word = types().get(ADDRESSES.get(row.target_type, row.target_type))
    if word is None and row.target_type == f"service/portal/{last}":
        panel = panels.named(last)
        word = panel.label if panel else None
    return word or last


def low(word: Text) -> str:
    """Return a kind's word as it stands within a sentence: "floating IP", and "OAuth consumer" as it is."""
    text = str(word)
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def code(row: Event) -> str:
    return str((row.body.get("reason") or {}).get("reasonCode", ""))


def outcome(row: Event) -> Status:
    if row.outcome == "failure" and code(row) in ("401", "403", "404"):
        return Status("bad", _("Denied"), row.outcome)
    return status(row.outcome)


def status(outcome: str) -> Status:
    """Return shape and word of an outcome."""
    word = dict(OUTCOMES).get(outcome, outcome)
    return Status({"success": "ok", "failure": "bad", "pending": "off"}.get(outcome, "off"), word, outcome)
