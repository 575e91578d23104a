"""What a person did, as a sentence: a table of actions, and of fields whose change has a word of its own.

Each is told in two ways: as done, and as asked for (it was refused, failed, or goes on). `%(kind)s` and `%(name)s` stand for the object.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from audit.models import Event
from portal.ui import Text, recorded


@dataclass(frozen=True)
class Deed:
    done: Text
    asked: Text


#: Action → its deed, whatever it is done to.
DEEDS: dict[str, Deed] = {
    "create": Deed(_("Created %(kind)s %(name)s"), _("Create %(kind)s %(name)s")),
    "update": Deed(_("Changed %(kind)s %(name)s"), _("Change %(kind)s %(name)s")),
    "delete": Deed(_("Deleted %(kind)s %(name)s"), _("Delete %(kind)s %(name)s")),
    "revoke": Deed(_("Revoked %(kind)s %(name)s"), _("Revoke %(kind)s %(name)s")),
    "renew": Deed(_("Renewed %(kind)s %(name)s"), _("Renew %(kind)s %(name)s")),
    "backup": Deed(_("Backed up the cloud: %(name)s"), _("Back up the cloud: %(name)s")),
    "update/start": Deed(_("Started %(kind)s %(name)s"), _("Start %(kind)s %(name)s")),
    "update/stop": Deed(_("Stopped %(kind)s %(name)s"), _("Stop %(kind)s %(name)s")),
    "update/reboot": Deed(_("Rebooted %(kind)s %(name)s"), _("Reboot %(kind)s %(name)s")),
    "update/pause": Deed(_("Paused %(kind)s %(name)s"), _("Pause %(kind)s %(name)s")),
    "update/unpause": Deed(_("Unpaused %(kind)s %(name)s"), _("Unpause %(kind)s %(name)s")),
    "update/suspend": Deed(_("Suspended %(kind)s %(name)s"), _("Suspend %(kind)s %(name)s")),
    "update/resume": Deed(_("Resumed %(kind)s %(name)s"), _("Resume %(kind)s %(name)s")),
    "update/rebuild": Deed(_("Rebuilt %(kind)s %(name)s"), _("Rebuild %(kind)s %(name)s")),
    "update/resize": Deed(_("Resized %(kind)s %(name)s"), _("Resize %(kind)s %(name)s")),
    "update/confirmResize": Deed(_("Confirmed the resize of %(kind)s %(name)s"), _("Confirm the resize of %(kind)s %(name)s")),
    "update/revertResize": Deed(_("Reverted the resize of %(kind)s %(name)s"), _("Revert the resize of %(kind)s %(name)s")),
    "update/migrate": Deed(_("Migrated %(kind)s %(name)s"), _("Migrate %(kind)s %(name)s")),
    "update/shelve": Deed(_("Shelved %(kind)s %(name)s"), _("Shelve %(kind)s %(name)s")),
    "update/unshelve": Deed(_("Unshelved %(kind)s %(name)s"), _("Unshelve %(kind)s %(name)s")),
    "update/rescue": Deed(_("Rescued %(kind)s %(name)s"), _("Rescue %(kind)s %(name)s")),
    "update/unrescue": Deed(_("Took %(kind)s %(name)s out of rescue"), _("Take %(kind)s %(name)s out of rescue")),
    "update/createImage": Deed(_("Took a snapshot of %(kind)s %(name)s"), _("Take a snapshot of %(kind)s %(name)s")),
    "update/createBackup": Deed(_("Took a backup of %(kind)s %(name)s"), _("Take a backup of %(kind)s %(name)s")),
    "update/attach_interface": Deed(_("Attached an interface to %(kind)s %(name)s"), _("Attach an interface to %(kind)s %(name)s")),
    "update/detach_interface": Deed(
        _("Detached an interface from %(kind)s %(name)s"), _("Detach an interface from %(kind)s %(name)s")
    ),
    "update/attach_volume": Deed(_("Attached a volume to %(kind)s %(name)s"), _("Attach a volume to %(kind)s %(name)s")),
    "update/detach_volume": Deed(_("Detached a volume from %(kind)s %(name)s"), _("Detach a volume from %(kind)s %(name)s")),
    "update/unexport": Deed(_("Took %(kind)s %(name)s back from another host"), _("Take %(kind)s %(name)s back from another host")),
    "update/extend": Deed(_("Extended %(kind)s %(name)s"), _("Extend %(kind)s %(name)s")),
    "update/revert": Deed(_("Took %(kind)s %(name)s back to its snapshot"), _("Take %(kind)s %(name)s back to its snapshot")),
    "update/addSecurityGroup": Deed(_("Added a security group to %(kind)s %(name)s"), _("Add a security group to %(kind)s %(name)s")),
    "update/removeSecurityGroup": Deed(
        _("Removed a security group from %(kind)s %(name)s"), _("Remove a security group from %(kind)s %(name)s")
    ),
    "update/upload": Deed(_("Gave bytes to %(kind)s %(name)s"), _("Give bytes to %(kind)s %(name)s")),
    "update/retry": Deed(_("Ran again what broke of %(kind)s %(name)s"), _("Run again what broke of %(kind)s %(name)s")),
    "update/abandon": Deed(_("Gave up what broke of %(kind)s %(name)s"), _("Give up what broke of %(kind)s %(name)s")),
}  # fmt: skip

#: (Type, action) → its deed, where that is not what the action is elsewhere.
OF_TYPE: dict[tuple[str, str], Deed] = {
    (recorded.CONSOLE, "create"): Deed(_("Opened the console of instance %(name)s"), _("Open the console of instance %(name)s")),
    ("service/storage/block/volumes", "update/upload"): Deed(
        _("Uploaded volume %(name)s to an image"), _("Upload volume %(name)s to an image")
    ),
    ("service/network/floatingips", "create"): Deed(_("Allocated floating IP %(name)s"), _("Allocate floating IP %(name)s")),
    ("service/network/floatingips", "delete"): Deed(_("Released floating IP %(name)s"), _("Release floating IP %(name)s")),
}  # fmt: skip

#: A refused request with a body about something that is there: which verb it was, its address does not tell.
ACT = Deed(_("Change %(kind)s %(name)s"), _("Change %(kind)s %(name)s"))


@dataclass(frozen=True)
class Field:
    """How a change of a field is told: that something is there now, is not any more, or is another."""

    there: Text
    gone: Text
    other: Text


_ROLES = Field(
    _("Gave a role on %(kind)s %(name)s"),
    _("Took a role on %(kind)s %(name)s"),
    _("Changed roles on %(kind)s %(name)s"),
)
_SWITCH = Field(_("Enabled %(kind)s %(name)s"), _("Disabled %(kind)s %(name)s"), _("Changed %(kind)s %(name)s"))
#: (Type or "", field) → its words, where nothing but that field (and what follows from it) was changed.
FIELDS: dict[tuple[str, str], Field] = {
    ("", "role_assignments"): _ROLES,
    ("", "enabled"): _SWITCH,
    ("", "is_enabled"): _SWITCH,
    ("", "name"): Field(*[_("Renamed %(kind)s %(name)s")] * 3),
    ("", "password"): Field(*[_("Set the password of %(kind)s %(name)s")] * 3),
    ("data/security/group", "members"): Field(
        _("Added a member to group %(name)s"), _("Removed a member from group %(name)s"), _("Changed the members of group %(name)s")
    ),
    ("service/storage/image/images", "members"): Field(
        _("Offered image %(name)s to a project"), _("Withdrew image %(name)s from a project"), _("Changed whom image %(name)s is offered to")
    ),
    ("service/network/security-groups", "rules"): Field(
        _("Added a rule to security group %(name)s"), _("Removed a rule from security group %(name)s"),
        _("Changed the rules of security group %(name)s"),
    ),
    ("service/network/floatingips", "port_id"): Field(
        _("Associated floating IP %(name)s"), _("Disassociated floating IP %(name)s"), _("Moved floating IP %(name)s to another port")
    ),
    ("service/network/ports", "security_groups"): Field(*[_("Changed the security groups of port %(name)s")] * 3),
    ("service/network/ports", "fixed_ips"): Field(*[_("Changed the addresses of port %(name)s")] * 3),
    ("service/network/routers", "routes"): Field(*[_("Changed the static routes of router %(name)s")] * 3),
    ("service/compute/os-aggregates", "hosts"): Field(
        _("Added a host to aggregate %(name)s"), _("Removed a host from aggregate %(name)s"), _("Changed the hosts of aggregate %(name)s")
    ),
}  # fmt: skip
#: Fields that only follow another one of the same change.
FOLLOW: Mapping[str, frozenset[str]] = {
    "port_id": frozenset({"fixed_ip_address", "router_id", "fixed_ip_id"}),
    "password": frozenset({"password_expires_at", "is_change_due"}),
}


def sentence(row: Event, name: str, *, done: bool) -> str:
    """Tell what a record says was done, or (not `done`) was asked for; `name` stands where the object's name belongs."""
    words = {"kind": recorded.low(recorded.kind(row)), "name": name}
    field = _of_field(row) if row.action == "update" and done else None
    if field is not None:
        return str(field) % words
    deed = of(row)
    return str(deed.done if done else deed.asked) % words


def of(row: Event) -> Deed:
    """Find the words of a record's action. One that no table names is told as a change."""
    if row.action == "create" and row.target_id and (row.body.get("reason") or {}).get("reasonType") == "HTTP":
        return ACT
    return OF_TYPE.get((row.target_type, row.action)) or DEEDS.get(row.action) or DEEDS["update"]


def _of_field(row: Event) -> Text | None:
    before, after = row.body.get("before") or {}, row.body.get("after") or {}
    changed = before.keys() | after.keys()
    for name in changed:
        words = FIELDS.get((row.target_type, name)) or FIELDS.get(("", name))
        if words is not None and not changed - {name} - FOLLOW.get(name, frozenset()):
            return _way(words, before.get(name), after.get(name))
    return None


def _way(words: Field, before: object, after: object) -> Text:
    if isinstance(before, list) or isinstance(after, list):
        was, now = len(before) if isinstance(before, list) else 0, len(after) if isinstance(after, list) else 0
    else:
        was, now = bool(before), bool(after)
    return words.there if now and not was else words.gone if was and not now else words.other
