"""Servers."""

import re
from dataclasses import replace

from compute.servers.lifecycle import groups
from networking.ports.models import Port
from portal.servers import dialogs
from portal.showas.entries import Entry, Typed, each, edit, listing, once, straight
from portal.showas.kinds import AN_ACT, NEVER, SAME, TAKE_OUT, Arg, Kind, Terraform, Use
from portal.showas.places import missing
from portal.showas.tables import floating as addresses
from portal.showas.tables import networks, routing
from portal.ui import Text
from portal.ui.calls import Call

INSTANCE = "openstack_compute_instance_v2"
ID = Arg("id", cli="<>")


def _act(
    name: str, wrap: str, cli: str, sdk: str, *args: Arg, tf: Terraform | Text = AN_ACT, ends: str = "", gives: str = ""
) -> Kind:
    """Make the kind of an action of a server."""
    return Kind(
        name=f"server.{name}", service="compute", method="POST", path="/servers/{id}/action", wrap=wrap, cli=f"server {cli}", sdk=sdk,
        args=(ID, *args), tf=tf, ends=ends, gives=gives,
    )  # fmt: skip


def _power(state: str) -> Terraform:
    """Say the state of power that Terraform keeps a server in."""
    return Terraform(INSTANCE, "change", fixed={"power_state": state})


UPDATE = Kind(
    name="server.update", service="compute", method="PUT", path="/servers/{id}", wrap="server", cli="server set", sdk="update_server",
    tf=Terraform(INSTANCE, "change"), keeps_empty=True,
    args=(ID, Arg("name", cli="--name", tf=SAME), Arg("description", cli="--description", since="2.19", filled=True)),
)  # fmt: skip
DELETE = Kind(
    name="server.delete", service="compute", method="DELETE", path="/servers/{id}", cli="server delete", sdk="delete_server", args=(ID,),
    tf=TAKE_OUT,
)  # fmt: skip
VERBS: dict[str, Kind] = {
    "start": _act("start", "os-start", "start", "start_server", tf=_power("active"), ends="ACTIVE"),
    "stop": _act("stop", "os-stop", "stop", "stop_server", tf=_power("shutoff"), ends="SHUTOFF"),
    "reboot": _act(
        "reboot",
        "reboot",
        "reboot",
        "reboot_server",
        Arg("type", cli={"SOFT": "--soft", "HARD": "--hard"}, sdk="*"),
        ends="ACTIVE",
    ),
    "pause": _act("pause", "pause", "pause", "pause_server", tf=_power("paused"), ends="PAUSED"),
    "unpause": _act("unpause", "unpause", "unpause", "unpause_server", tf=_power("active"), ends="ACTIVE"),
    "suspend": _act("suspend", "suspend", "suspend", "suspend_server", ends="SUSPENDED"),
    "resume": _act("resume", "resume", "resume", "resume_server", ends="ACTIVE"),
    "shelve": _act(
        "shelve", "shelve", "shelve", "shelve_server", tf=_power("shelved_offloaded"), ends="SHELVED_OFFLOADED"
    ),
    "unshelve": _act("unshelve", "unshelve", "unshelve", "unshelve_server", tf=_power("active"), ends="ACTIVE"),
    "confirm_resize": _act("confirm-resize", "confirmResize", "resize confirm", "confirm_server_resize", ends="ACTIVE"),
    "revert_resize": _act("revert-resize", "revertResize", "resize revert", "revert_server_resize", ends="ACTIVE"),
    "lock": _act("lock", "lock", "lock", "lock_server"),
    "unlock": _act("unlock", "unlock", "unlock", "unlock_server"),
}
#: How the disk is partitioned: in requests alone.
PARTITION = Arg("OS-DCF:diskConfig", cli=NEVER, sdk=NEVER)
SNAPSHOT = _act(
    "snapshot", "createImage", "image create", "create_server_image", Arg("name", cli="--name", sdk="*"), gives="image"
)
RESIZE = _act(
    "resize", "resize", "resize", "resize_server", Arg("flavorRef", cli="--flavor", sdk="*", tf="flavor_id"), PARTITION,
    tf=Terraform(INSTANCE, "change"), ends="VERIFY_RESIZE",
)  # fmt: skip
REBUILD = _act(
    "rebuild", "rebuild", "rebuild", "rebuild_server", Arg("imageRef", cli="--image", sdk="*", tf="image_id"),
    Arg("description", cli="--description", since="2.19"), PARTITION,
    tf=Terraform(INSTANCE, "change"), ends="ACTIVE",
)  # fmt: skip
ADD_GROUP = _act(
    "add-group",
    "addSecurityGroup",
    "add security group",
    "add_security_group_to_server",
    Arg("name", cli="<>", sdk="*"),
)
REMOVE_GROUP = _act(
    "remove-group",
    "removeSecurityGroup",
    "remove security group",
    "remove_security_group_from_server",
    Arg("name", cli="<>", sdk="*"),
)
ATTACH = Kind(
    name="server.attach", service="compute", method="POST", path="/servers/{id}/os-interface", wrap="interfaceAttachment",
    cli="server add network", sdk="create_server_interface", tf=Terraform("openstack_compute_interface_attach_v2"),
    args=(Arg("id", cli="<>", tf="instance_id"), Arg("net_id", cli="<>", tf="network_id")),
)  # fmt: skip
ATTACH_ADDRESS = replace(
    ATTACH, name="server.attach-address", cli="server add fixed ip",
    args=(
        *ATTACH.args,
        Arg("fixed_ip", cli="--fixed-ip-address", sdk="fixed_ips", key="fixed_ips", tf=SAME, wire=lambda ip: [{"ip_address": ip}]),
    ),
)  # fmt: skip
ATTACH_PORT = replace(
    ATTACH, name="server.attach-port", cli="server add port",
    args=(Arg("id", cli="<>", tf="instance_id"), Arg("port_id", cli="<>", tf=SAME)),
)  # fmt: skip
DETACH = Kind(
    name="server.detach", service="compute", method="DELETE", path="/servers/{id}/os-interface/{port}", cli="server remove port",
    sdk="delete_server_interface", tf=TAKE_OUT, args=(Arg("id", cli="<>", sdk="server"), Arg("port", cli="<>")),
)  # fmt: skip
SET_METADATA = Kind(
    name="server.set-metadata", service="compute", method="POST", path="/servers/{id}/metadata", cli="server set",
    args=(ID, Arg("metadata", cli="--property {key}={value}", tf=SAME)), tf=Terraform(INSTANCE, "change"),
)  # fmt: skip
DROP_METADATA = Kind(
    name="server.drop-metadata", service="compute", method="DELETE", path="/servers/{id}/metadata/{key}", cli="server unset",
    args=(ID, Arg("key", cli="--property")), tf=TAKE_OUT,
)  # fmt: skip
ADD_TAG = Kind(
    name="server.add-tag", service="compute", method="PUT", path="/servers/{id}/tags/{tag}", cli="server set", sdk="add_tag_to_server",
    args=(ID, Arg("tag", cli="--tag", since="2.26")), tf=TAKE_OUT,
)  # fmt: skip
DROP_TAG = Kind(
    name="server.drop-tag", service="compute", method="DELETE", path="/servers/{id}/tags/{tag}", cli="server unset",
    sdk="remove_tag_from_server", args=(ID, Arg("tag", cli="--tag", since="2.26")), tf=TAKE_OUT,
)  # fmt: skip
CLEAR_PASSWORD = Kind(
    name="server.clear-password", service="compute", method="DELETE", path="/servers/{id}/os-server-password",
    sdk="clear_server_password", args=(ID,), tf=AN_ACT,
)  # fmt: skip
#: Of names and addresses the API finds parts, as regular expressions.
_ASKS = (
    Arg("name", cli="--name", asks="name", read=re.escape),
    Arg("ip", cli="--ip", sdk="ipv4_address", asks="ip", read=re.escape),
    Arg("ip6", cli="--ip6", sdk="ipv6_address", asks="ip6", read=re.escape),
    Arg("status", cli="--status", asks="status", read=str.upper),
    Arg("image", cli="--image", asks="image_id"),
    Arg("flavor", cli="--flavor", asks="flavor_id"),
    Arg("key_name", cli="--key-name", asks="key", since="2.83"),
    Arg("availability_zone", cli="--availability-zone", asks="zone", since="2.83"),
)
LIST = listing("compute", "/servers/detail", "server list", "servers", args=_ASKS)
LIST_ALL = listing(
    "compute", "/servers/detail", "server list --all-projects", "servers",
    args=(
        Arg("all_tenants", sdk="all_projects"), *_ASKS, Arg("host", cli="--host", sdk="compute_host", asks="host"),
        Arg("project_id", cli="--project", asks="project_id"),
    ),
)  # fmt: skip


# ── Dialogs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def verb(call: Call, typed: Typed) -> list[Use]:
    """Return the call of the button whose name stands in the address."""
    name = call.keys["verb"]
    kind = VERBS.get("reboot" if name == "reboot_hard" else name)
    if kind is None:
        return []
    how = {"reboot": "SOFT", "reboot_hard": "HARD"}.get(name)
    ids = [call.id] if "id" in call.keys else call.ids
    return [Use(kind, {"id": id, "type": how} if how else {"id": id}) for id in ids]


def floating(call: Call, typed: Typed) -> list[Use]:
    """Point an address at a port of the server: looked up where the server has one alone, so that a script holds elsewhere too."""
    port, _space, fixed = str(typed["port"]).partition(" ")
    if Port.objects.of_server(call.row).count() == 1:
        return addresses.point(call.actor, typed["floating"], call.id)
    return addresses.point_at_port(call.actor, typed["floating"], port, fixed)


def set_groups(call: Call, typed: Typed) -> list[Use]:
    """Return the groups that come, and those that go."""
    have, want = (
        {group["id"] for group in groups.groups_of(dialogs.of_id(call.actor, call.id))},
        set(typed.get("groups", ())),
    )
    found = [Use(ADD_GROUP, {"id": call.id, "name": id}) for id in sorted(want - have)]
    return found + [Use(REMOVE_GROUP, {"id": call.id, "name": id}) for id in sorted(have - want)]


def attach(call: Call, typed: Typed) -> list[Use]:
    """Return the attaching of a network, of one with a chosen address, or of a port that is there."""
    if typed.get("port"):
        return [Use(ATTACH_PORT, {"id": call.id, "port_id": typed["port"]})]
    values = {"id": call.id, "net_id": typed.get("network") or missing("network"), "fixed_ip": typed.get("address")}
    return [Use(ATTACH_ADDRESS if values["fixed_ip"] else ATTACH, values)]


def rebuild(call: Call, typed: Typed) -> list[Use]:
    values = {
        "imageRef": typed["image"],
        "description": typed.get("description"),
        PARTITION.name: typed.get("disk_config"),
    }
    return [Use(REBUILD, {"id": call.id, **values})]


def resize(call: Call, typed: Typed) -> list[Use]:
    return [Use(RESIZE, {"id": call.id, "flavorRef": typed["flavor"], PARTITION.name: typed.get("disk_config")})]


def port_groups(call: Call, typed: Typed) -> list[Use]:
    return [Use(networks.PORT.update, {"id": call.keys["port"], "security_groups": typed.get("groups")})]


def disassociate(call: Call, typed: Typed) -> list[Use]:
    values = {"id": typed["floating"], "loose": True}
    return [Use(routing.IP_DELETE if typed.get("release") else routing.IP_LOOSE, values)]


def set_metadata(call: Call, typed: Typed) -> list[Use]:
    """Return the pairs that come or change, and those that go."""
    have, want = dict(call.row.metadata or {}), typed.get("metadata") or {}
    new = {name: text for name, text in want.items() if have.get(name) != text}
    found = [Use(SET_METADATA, {"id": call.id, "metadata": new})] if new else []
    return found + [Use(DROP_METADATA, {"id": call.id, "key": name}) for name in have if name not in want]


def set_tags(call: Call, typed: Typed) -> list[Use]:
    """Return the tags that come, and those that go."""
    have, want = set(call.row.tags), set(typed.get("tags") or ())
    found = [Use(ADD_TAG, {"id": call.id, "tag": tag}) for tag in sorted(want - have)]
    return found + [Use(DROP_TAG, {"id": call.id, "tag": tag}) for tag in sorted(have - want)]


ENTRIES = {
    "instances": once(LIST),
    "all-instances": once(LIST_ALL, all_tenants=True),
    "instance-do": Entry(uses=verb),
    "instances-bulk": Entry(uses=verb),
    "instance-snapshot": straight(SNAPSHOT),
    "instance-edit": edit(UPDATE),
    "instance-resize": Entry(uses=resize),
    "instance-rebuild": Entry(uses=rebuild),
    "instance-delete": each(DELETE),
    "instances-delete": each(DELETE),
    "instance-floating-ip": Entry(uses=floating),
    "instance-groups": Entry(uses=set_groups),
    "instance-attach": Entry(uses=attach),
    "instance-detach-one": straight(DETACH),
    "instance-port-groups": Entry(uses=port_groups),
    "instance-disassociate": Entry(uses=disassociate),
    "instance-metadata": Entry(uses=set_metadata),
    "instance-tags": Entry(uses=set_tags),
    "instance-password-clear": each(CLEAR_PASSWORD),
    "instance-roll-back": Entry(
        uses=lambda call, typed: [Use(REBUILD, {"id": call.id, "imageRef": call.keys["image"]})]
    ),
    "instance-detach": straight(DETACH),
}
