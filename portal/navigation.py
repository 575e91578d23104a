"""The whole menu, and the only list of panels: the rail, the palette, /menu.json and the keys read it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from hosts.states import SILENT
from identity import audits, policy

Count = Callable[[Actor], int]
#: Panels without a rule that a session without a project can use; the others are of a project's things.
WITHOUT_PROJECT = ("overview", "api-access", "activity", "flavors")


@dataclass(frozen=True)
class Panel:
    """One entry of the rail. `route` is the URL name of its list; `rule` is who sees it (None: everyone)."""

    name: str
    label: str | Promise
    icon: str
    route: str
    rule: str | None = None
    key: str = ""  # g, then this

    def visible_to(self, actor: Actor) -> bool:
        if self.rule is None:
            return bool(actor.project_id) or self.name in WITHOUT_PROJECT
        return policy.allows(actor, self.rule, _own(actor))

    @property
    def url(self) -> str:
        return reverse(self.route)


def _own(actor: Actor) -> dict[str, str]:
    """What a list is of, to policy: of the session's own domain when it is in one."""
    if not actor.domain_id:
        return {"project_id": actor.project_id} if actor.project_id else {}
    names = ("target.domain_id", "target.domain.id", "target.group.domain_id", "domain_id")
    return dict.fromkeys(names, actor.domain_id)


MENU: tuple[tuple[str | Promise, tuple[Panel, ...]], ...] = (
    ("", (Panel("overview", _("Overview"), "layout-dashboard", "overview", key="o"),)),
    (
        _("Compute"),
        (
            Panel("instances", _("Instances"), "server-2", "instances", key="i"),
            Panel("images", _("Images"), "disc", "images", key="m"),
            Panel("key-pairs", _("Key pairs"), "key", "key-pairs", key="k"),
            Panel("flavors", _("Flavors"), "cpu", "flavors"),
        ),
    ),
    (
        _("Network"),
        (
            Panel("networks", _("Networks"), "network", "networks", key="n"),
            Panel("routers", _("Routers"), "route", "routers", key="r"),
            Panel("floating-ips", _("Floating IPs"), "world-pin", "floating-ips", key="f"),
            Panel("security-groups", _("Security groups"), "shield-lock", "security-groups", key="s"),
        ),
    ),
    (
        _("Access"),
        (
            Panel("api-access", _("API access"), "terminal-2", "api-access", key="a"),
            Panel("application-credentials", _("Application credentials"), "fingerprint", "application-credentials"),
            Panel("activity", _("Activity"), "history", "activity", key="y"),
            Panel("audit", _("Audit"), "shield-check", "audit", rule=audits.SOME),
        ),
    ),
    (
        _("Administration"),
        (
            Panel("hosts", _("Hosts"), "server-cog", "hosts", rule="admin", key="h"),
            Panel("all-instances", _("All instances"), "stack-2", "all-instances", rule="admin"),
            Panel("services", _("Services"), "heartbeat", "services", rule="admin"),
        ),
    ),
    (
        _("Identity"),
        (
            Panel("projects", _("Projects"), "users-group", "projects", rule="identity:list_projects", key="p"),
            Panel("users", _("Users"), "user", "users", rule="identity:list_users", key="u"),
            Panel("groups", _("Groups"), "users", "groups", rule="identity:list_groups"),
            Panel("roles", _("Roles"), "id-badge-2", "roles", rule="identity:list_roles"),
            Panel("domains", _("Domains"), "building", "domains", rule="identity:list_domains"),
            Panel("credentials", _("Credentials"), "lock", "credentials", rule="identity:list_credentials"),
            Panel(
                "identity-providers",
                _("Identity providers"),
                "login-2",
                "identity-providers",
                rule="identity:list_identity_providers",
            ),
            Panel("mappings", _("Mappings"), "arrows-shuffle", "mappings", rule="identity:list_mappings"),
        ),
    ),
)


def panels(actor: Actor) -> list[tuple[str | Promise, list[Panel]]]:
    """The groups and panels that this actor sees; a group without any is absent."""
    found = [(label, [panel for panel in entries if panel.visible_to(actor)]) for label, entries in MENU]
    return [(label, entries) for label, entries in found if entries]


def landing(actor: Actor, address: str) -> str:
    """`address` unless it is a panel that this actor does not see: then the overview."""
    name = address.split("?")[0].strip("/").split("/")[0]
    hidden = {panel.url.strip("/") for _label, entries in MENU for panel in entries if not panel.visible_to(actor)}
    return "/" if name in hidden else address


def counts(actor: Actor) -> dict[str, tuple[int | str | Promise, bool]]:
    """Panel → (what stands beside it, whether it is bad news): the project's rows, and hosts in trouble."""
    from compute.keypairs.models import KeyPair
    from compute.servers.models import Server
    from hosts.models import Host
    from images.images.models import Image
    from networking.floatingips.models import FloatingIP
    from networking.networks.models import Network
    from networking.routers.models import Router
    from networking.securitygroups.models import SecurityGroup

    project = actor.project_id or ""
    found: dict[str, tuple[int | str | Promise, bool]] = {
        "instances": (Server.objects.living().filter(project_id=project).count(), False),
        "images": (Image.objects.listed_for(actor, visibility=None, member_status="accepted").count(), False),
        "key-pairs": (KeyPair.objects.filter(user_id=actor.user_id).count(), False),
        "networks": (Network.objects.filter(project_id=project).count(), False),
        "routers": (Router.objects.filter(project_id=project).count(), False),
        "floating-ips": (FloatingIP.objects.filter(project_id=project).count(), False),
        "security-groups": (SecurityGroup.objects.filter(project_id=project).count(), False),
    }
    if actor.is_admin:
        down = Host.objects.filter(state__in=SILENT).count()
        found["hosts"] = (_("%(count)s down") % {"count": down}, True) if down else (Host.objects.count(), False)
    return {name: pair for name, pair in found.items() if pair[0]}


def domains(actor: Actor) -> list[tuple[str, str]]:
    """(id, name) of the enabled domains on which the actor has a role: the switcher's."""
    from identity.assignments import effective
    from identity.models import Domain

    ids = effective.domain_ids(actor.user_id)
    found = Domain.objects.filter(pk__in=ids, enabled=True).order_by("name") if ids else ()
    return [(row.pk, row.name) for row in found]


def regions() -> list[str]:
    """The catalog's regions: the switcher's."""
    from identity.models import Region

    return list(Region.objects.order_by("id").values_list("id", flat=True))
