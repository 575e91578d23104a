"""Key pairs, server groups, flavors, aggregates, compute services and quotas."""

from collections.abc import Mapping

from django.db.models import Q

from compute.flavors import services as flavors
from hosts.models import Host
from portal.admin.aggregate_dialogs import inside
from portal.admin.aggregates import metadata
from portal.showas.entries import Entry, Typed, each, family, listing, of_kind, once, rows_of, straight
from portal.showas.kinds import SAME, UNKNOWN_THERE, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.ui.calls import Call
from volumes.quotas import SERVICE as VOLUMES

ID = Arg("id", cli="<>")
NAME = Arg("name", cli="<>", tf=SAME)

KEYPAIR = family(
    "compute", "/os-keypairs", "keypair", "keypair", "keypair", tf="openstack_compute_keypair_v2", ids="name", is_fixed=True,
    args=(NAME, Arg("public_key", cli="--public-key <file>", tf=SAME)),
)  # fmt: skip
SERVER_GROUP = family(
    "compute", "/os-server-groups", "server_group", "server group", "server_group", tf="openstack_compute_servergroup_v2", source=False, is_fixed=True,
    args=(
        NAME,
        Arg("policy", cli="--policy"),
        Arg("policies", tf=SAME, wire=None),
        Arg("rules", cli="--rule {key}={value}", tf="rules{}", since="2.64"),
    ),
)  # fmt: skip
FLAVOR = family(
    "compute", "/flavors", "flavor", "flavor", "flavor", tf="openstack_compute_flavor_v2", listed="/flavors/detail",
    asks=(
        Arg("is_public", cli="--public|--private", tf=SAME, asks="is_public"),
        Arg("minRam", cli="--min-ram", sdk="min_ram", tf="min_ram", asks="min_ram"),
        Arg("minDisk", cli="--min-disk", sdk="min_disk", tf="min_disk", asks="min_disk"),
    ),
    args=(
        NAME,
        Arg("id", cli="--id", tf="flavor_id"),
        Arg("vcpus", cli="--vcpus", tf=SAME),
        Arg("ram", cli="--ram", tf=SAME),
        Arg("disk", cli="--disk", tf=SAME),
        Arg("OS-FLV-EXT-DATA:ephemeral", cli="--ephemeral", sdk="ephemeral", tf="ephemeral"),
        Arg("swap", cli="--swap", tf=SAME),
        Arg("rxtx_factor", cli="--rxtx-factor", tf="rx_tx_factor"),
        Arg("os-flavor-access:is_public", cli="--public|--private", sdk="is_public", tf="is_public"),
        Arg("description", cli="--description", tf=SAME, since="2.55"),
    ),
    change=(Arg("description", cli="--description", tf=SAME, since="2.55", filled=True),),
)  # fmt: skip


def _access(name: str, wrap: str, cli: str, sdk: str, tf: Value) -> Kind:
    """Make the kind by which a project may use a flavor, or no longer."""
    return Kind(
        name=f"flavor.{name}-access", service="compute", method="POST", path="/flavors/{id}/action", wrap=wrap, cli=cli, sdk=sdk, tf=tf,
        args=(Arg("id", cli="<>", tf="flavor_id"), Arg("tenant", cli="--project", sdk="*", tf="tenant_id")),
    )  # fmt: skip


ADD_ACCESS = _access(
    "add", "addTenantAccess", "flavor set", "flavor_add_tenant_access", Terraform("openstack_compute_flavor_access_v2")
)
DROP_ACCESS = _access("drop", "removeTenantAccess", "flavor unset", "flavor_remove_tenant_access", UNKNOWN_THERE)
SET_SPECS = Kind(
    name="flavor.set-specs", service="compute", method="POST", path="/flavors/{id}/os-extra_specs", cli="flavor set",
    sdk="create_flavor_extra_specs", args=(ID, Arg("extra_specs", cli="--property {key}={value}", tf=SAME)),
    tf=Terraform("openstack_compute_flavor_v2", "change"),
)  # fmt: skip
DROP_SPEC = Kind(
    name="flavor.drop-spec", service="compute", method="DELETE", path="/flavors/{id}/os-extra_specs/{spec}", cli="flavor unset",
    sdk="delete_flavor_extra_specs_property", args=(ID, Arg("spec", cli="--property")), tf=UNKNOWN_THERE,
)  # fmt: skip
AGGREGATE = family(
    "compute", "/os-aggregates", "aggregate", "aggregate", "aggregate", tf="openstack_compute_aggregate_v2",
    args=(NAME, Arg("availability_zone", cli="--zone", tf="zone")),
)  # fmt: skip


def _of_aggregate(name: str, wrap: str, cli: str, sdk: str, *args: Arg, tf: Value = UNKNOWN_THERE) -> Kind:
    """Make the kind of an action of an aggregate."""
    return Kind(
        name=f"aggregate.{name}", service="compute", method="POST", path="/os-aggregates/{id}/action", wrap=wrap, cli=f"aggregate {cli}",
        sdk=sdk, args=(ID, *args), tf=tf,
    )  # fmt: skip


HOST = Arg("host", cli="<>", sdk="*")
ADD_HOST = _of_aggregate("add-host", "add_host", "add host", "add_host_to_aggregate", HOST)
REMOVE_HOST = _of_aggregate("remove-host", "remove_host", "remove host", "remove_host_from_aggregate", HOST)
SET_METADATA = _of_aggregate(
    "set-metadata", "set_metadata", "set", "set_aggregate_metadata", Arg("metadata", cli="--property {key}={value}", sdk="*", tf=SAME),
    tf=Terraform("openstack_compute_aggregate_v2", "change"),
)  # fmt: skip
DROP_METADATA = _of_aggregate(
    "drop-metadata", "set_metadata", "unset", "set_aggregate_metadata",
    Arg("keys", cli="--property", sdk="*", key="metadata", wire=lambda keys: dict.fromkeys(keys)),
)  # fmt: skip
_SERVICE = "/os-services/{id}"
_AT = (Arg("host", cli="<>", wire=None), Arg("binary", cli="<>", wire=None))
DISABLE = Kind(
    name="service.disable", service="compute", method="PUT", path=_SERVICE, cli="compute service set --disable", tf=UNKNOWN_THERE,
    args=(Arg("id"), *_AT, Arg("status"), Arg("disabled_reason", cli="--disable-reason")),
)  # fmt: skip
ENABLE = Kind(
    name="service.enable", service="compute", method="PUT", path=_SERVICE, cli="compute service set --enable", tf=UNKNOWN_THERE,
    args=(Arg("id"), *_AT, Arg("status")),
)  # fmt: skip
CATALOG = listing("identity", "/services", "service list", "services", key="id")
SERVICES = Kind(
    name="service.list",
    service="compute",
    method="GET",
    path="/os-services",
    cli="compute service list",
    sdk="services",
    named="host",
    tf=UNKNOWN_THERE,
)
HYPERVISORS = Kind(
    name="hypervisor.list", service="compute", method="GET", path="/os-hypervisors/detail", cli="hypervisor list", sdk="hypervisors",
    args=(Arg("hostname", tf=SAME, wire=None),), tf=Terraform("openstack_compute_hypervisor_v2", "data"),
)  # fmt: skip
#: Limit → the client's option and Terraform's argument.
_COMPUTE = {
    "instances": ("instances", SAME), "cores": ("cores", SAME), "ram": ("ram", SAME), "key_pairs": ("key-pairs", SAME),
    "server_groups": ("server-groups", SAME), "server_group_members": ("server-group-members", SAME),
    "metadata_items": ("properties", SAME), "injected_files": ("injected-files", SAME),
    "injected_file_content_bytes": ("injected-file-size", SAME), "injected_file_path_bytes": ("injected-path-size", SAME),
}  # fmt: skip
_NETWORK = {
    "network": ("networks", SAME), "subnet": ("subnets", SAME), "port": ("ports", SAME), "router": ("routers", SAME),
    "floatingip": ("floating-ips", SAME), "security_group": ("secgroups", SAME), "security_group_rule": ("secgroup-rules", SAME),
    "subnetpool": ("subnetpools", SAME), "rbac_policy": ("rbac-policies", SAME),
}  # fmt: skip
_VOLUME = {
    "volumes": ("volumes", SAME), "snapshots": ("snapshots", SAME), "gigabytes": ("gigabytes", SAME),
    "per_volume_gigabytes": ("per-volume-gigabytes", SAME),
}  # fmt: skip
#: The newest microversion in which injected files have limits.
_WITH_FILES = "2.56"
#: What the SDK calls a limit of the network service.
_SDK = {
    "network": "networks", "subnet": "subnets", "port": "ports", "router": "routers", "floatingip": "floating_ips",
    "security_group": "security_groups", "security_group_rule": "security_group_rules", "subnetpool": "subnet_pools",
    "rbac_policy": "rbac_policies",
}  # fmt: skip


def _quota(
    service: str,
    path: str,
    wrap: str,
    sdk: str,
    tf: str,
    limits: Mapping[str, tuple[str, str]],
    cli: str = "quota set",
    newest: str = "",
) -> Kind:
    """Make the kind of setting a project's limits, or the defaults."""
    args = [Arg(name, cli=f"--{option}", sdk=_SDK.get(name, SAME), tf=form) for name, (option, form) in limits.items()]
    return Kind(
        name=f"{service}.{cli}", service=service, method="PUT", path=path, wrap=wrap, cli=cli, sdk=sdk,
        args=(Arg("project_id", cli="<>", tf=SAME), *args), tf=Terraform(tf) if tf else UNKNOWN_THERE, newest=newest,
    )  # fmt: skip


QUOTAS = {
    "compute": _quota(
        "compute",
        "/os-quota-sets/{project_id}",
        "quota_set",
        "update_quota_set",
        "openstack_compute_quotaset_v2",
        _COMPUTE,
        newest=_WITH_FILES,
    ),
    "network": _quota(
        "network", "/v2.0/quotas/{project_id}", "quota", "update_quota", "openstack_networking_quota_v2", _NETWORK
    ),
    VOLUMES: _quota(
        "volume",
        "/os-quota-sets/{project_id}",
        "quota_set",
        "update_quota_set",
        "openstack_blockstorage_quotaset_v3",
        _VOLUME,
    ),
}
_CLASS = ("/os-quota-class-sets/{project_id}", "quota_class_set")
#: The network service has no class of quotas.
DEFAULTS = {
    "compute": _quota("compute", *_CLASS, "", "", _COMPUTE, "quota set --class", _WITH_FILES),
    VOLUMES: _quota("volume", *_CLASS, "update_quota_class_set", "", _VOLUME, "quota set --class"),
}


# ── Entries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def group(call: Call, typed: Typed) -> list[Use]:
    most = {"rules": {"max_server_per_host": typed["most"]}} if typed.get("most") else {}
    return [
        Use(
            SERVER_GROUP.create,
            {"name": typed["name"], "policy": typed["policy"], "policies": [typed["policy"]], **most},
        )
    ]


_FLAVOR = {"OS-FLV-EXT-DATA:ephemeral": "ephemeral", "os-flavor-access:is_public": "is_public"}


def flavor(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a flavor, and the projects that may use it."""
    made = Use(FLAVOR.create, of_kind(FLAVOR.create, typed, _FLAVOR))
    return [made, *(Use(ADD_ACCESS, {"id": made.made, "tenant": id}) for id in typed.get("projects") or ())]


def access(call: Call, typed: Typed) -> list[Use]:
    have, want = set(flavors.access(call.actor, flavor_id=call.id)), set(typed.get("projects") or ())
    found = [Use(ADD_ACCESS, {"id": call.id, "tenant": id}) for id in sorted(want - have)]
    return found + [Use(DROP_ACCESS, {"id": call.id, "tenant": id}) for id in sorted(have - want)]


def specs(call: Call, typed: Typed) -> list[Use]:
    """Return the extra specs that come or change, and those that go."""
    have, want = call.row.extra_specs, typed.get("extra_specs") or {}
    new = {name: text for name, text in want.items() if have.get(name) != text}
    found = [Use(SET_SPECS, {"id": call.id, "extra_specs": new})] if new else []
    return found + [Use(DROP_SPEC, {"id": call.id, "spec": name}) for name in have if name not in want]


def aggregate(call: Call, typed: Typed) -> list[Use]:
    made = Use(AGGREGATE.create, {"name": typed["name"], "availability_zone": typed.get("zone")})
    return [made, *(Use(ADD_HOST, {"id": made.made, "host": host}) for host in typed.get("hosts") or ())]


def aggregate_hosts(call: Call, typed: Typed) -> list[Use]:
    have, want = set(inside(call)), set(typed.get("hosts") or ())
    found = [Use(REMOVE_HOST, {"id": call.id, "host": host}) for host in sorted(have - want)]
    return found + [Use(ADD_HOST, {"id": call.id, "host": host}) for host in sorted(want - have)]


def aggregate_metadata(call: Call, typed: Typed) -> list[Use]:
    have, want = metadata(call.row), typed.get("metadata") or {}
    new = {name: text for name, text in want.items() if have.get(name) != text}
    gone = [name for name in have if name not in want]
    found = [Use(SET_METADATA, {"id": call.id, "metadata": new})] if new else []
    return found + ([Use(DROP_METADATA, {"id": call.id, "keys": gone})] if gone else [])


def aggregate_edit(call: Call, typed: Typed) -> list[Use]:
    new = typed.edited
    return [
        Use(AGGREGATE.update, {"id": call.id, "name": new.get("name"), "availability_zone": new.get("zone") or None})
    ]


def _service(call: Call, kind: Kind, status: str, reason: Value = None) -> list[Use]:
    row = Host.objects.filter(Q(pk=call.id) | Q(name=call.id)).first()
    known = {"id": row.id if row else call.id, "host": row.name if row else call.id, "binary": "nova-compute"}
    return [Use(kind, {**known, "status": status, "disabled_reason": reason})]


def quota(call: Call, typed: Typed) -> list[Use]:
    """Return the limits that differ, a call a service."""
    new: dict[str, dict[str, Value]] = {}
    for field, value in typed.edited.items():
        service, _dot, name = field.partition(".")
        new.setdefault(service, {})[name] = value
    return [
        Use(QUOTAS[service], {"project_id": call.id, **values}) for service, values in new.items() if service in QUOTAS
    ]


def defaults(call: Call, typed: Typed) -> list[Use]:
    return [Use(DEFAULTS[call.id], {"project_id": "default", **typed.edited})] if call.id in DEFAULTS else []


ENTRIES: dict[str, Entry] = {
    "key-pairs": once(KEYPAIR.list, named=missing("name")),
    "key-pair-create": straight(KEYPAIR.create),
    "key-pair-delete": each(KEYPAIR.delete),
    "key-pairs-delete": each(KEYPAIR.delete),
    "services": once(CATALOG),
    "server-groups": once(SERVER_GROUP.list),
    "server-group-create": Entry(uses=group),
    "server-group-delete": each(SERVER_GROUP.delete),
    "server-groups-delete": each(SERVER_GROUP.delete),
    **rows_of(FLAVOR, "flavors flavor"),
    "flavor-create": Entry(uses=flavor),
    "flavor-access": Entry(uses=access),
    "flavor-metadata": Entry(uses=specs),
    **rows_of(AGGREGATE, "aggregates aggregate"),
    "aggregate-create": Entry(uses=aggregate),
    "aggregate-edit": Entry(uses=aggregate_edit),
    "aggregate-hosts": Entry(uses=aggregate_hosts),
    "aggregate-metadata": Entry(uses=aggregate_metadata),
    "hosts": once(HYPERVISORS, hostname=missing("hostname")),
    "compute-hosts": once(SERVICES),
    "host-disable": Entry(uses=lambda call, typed: _service(call, DISABLE, "disabled", typed.get("reason"))),
    "host-enable": Entry(uses=lambda call, typed: _service(call, ENABLE, "enabled")),
    "project-quota": Entry(uses=quota),
    "default-quotas-edit": Entry(uses=defaults),
}
