"""Launching servers."""

import base64
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError

from authorization.context import RequestContext
from networking.securitygroups.models import SecurityGroup
from portal.servers import doors, userdata
from portal.servers.launch_spec import COUNT_LIMIT, LaunchSpec, hints_of, pairs, root_of
from portal.showas.entries import Entry, Typed
from portal.showas.kinds import NEVER, SAME, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing, places_in, secret
from portal.showas.tables import floating as addresses
from portal.showas.tables import routing
from portal.showas.tables.servers import INSTANCE
from portal.ui.calls import Call


def _encoded(text: str) -> str:
    """Encode user data; with a secret in it, it can only be asked for whole."""
    return missing("user_data_base64") if places_in(text) else base64.b64encode(text.encode()).decode()


CREATE = Kind(
    name="server.create",
    service="compute",
    method="POST",
    path="/servers",
    wrap="server",
    cli="server create",
    sdk="create_server",
    gives="server",
    ends="ACTIVE",
    tf=Terraform(INSTANCE),
    args=(
        Arg("name", cli="<>", tf=SAME),
        Arg("imageRef", cli="--image", sdk="image_id", tf="image_id"),
        Arg(
            "block_device_mapping_v2",
            cli="--block-device uuid={uuid},source_type={source_type},destination_type={destination_type},boot_index={boot_index},"
            "volume_size={volume_size},volume_type={volume_type},delete_on_termination={delete_on_termination}",
            sdk="block_device_mapping",
            tf="block_device{}",
        ),
        Arg("flavorRef", cli="--flavor", sdk="flavor_id", tf="flavor_id"),
        Arg("networks"),
        Arg("cards", cli="--nic net-id={uuid},port-id={port},v4-fixed-ip={v4},v6-fixed-ip={v6}", wire=None),
        Arg("network", tf="network{}", wire=None),
        Arg("security_groups", cli="--security-group {name}"),
        Arg("group_names", tf="security_groups", wire=None),
        Arg("key_name", cli="--key-name", tf="key_pair"),
        Arg("user_data", cli="--user-data <file>", tf=SAME, wire=_encoded),
        Arg("availability_zone", cli="--availability-zone", tf=SAME),
        Arg("config_drive", cli="--use-config-drive|", tf=SAME),
        Arg("description", cli="--description", since="2.19"),
        Arg("metadata", cli="--property {key}={value}", tf=SAME),
        Arg("OS-DCF:diskConfig", cli=NEVER, sdk="disk_config"),
        Arg("hints", cli="--hint {key}={value}", sdk="scheduler_hints", key="os:scheduler_hints", outside=True),
        Arg("scheduler_hints", tf="scheduler_hints{}", wire=None),
        Arg("min_count", cli="--min"),
        Arg("max_count", cli="--max"),
    ),
)


def asked(actor: RequestContext, typed: Mapping[str, Value], count: int) -> dict[str, Value]:
    """Return the values of a creation, from the launch form's."""
    cards: list[Value] = [
        {"uuid": id, **({"fixed_ip": typed["fixed"][id]} if typed["fixed"].get(id) else {})} for id in typed["networks"]
    ]
    cards += [{"port": id} for id in typed["ports"]]
    known = {name: secret(name) if userdata.is_secret(name) else value for name, value in typed["values"].items()}
    several = {"min_count": count, "max_count": count} if count > 1 else {}
    return {
        "name": typed["name"] or missing("name"),
        "imageRef": None if (disk := _root(typed)) else typed["image"] or missing("image"),
        "block_device_mapping_v2": disk,
        "flavorRef": typed["flavor"] or missing("flavor"),
        "networks": cards,
        "cards": [_with_family(one) for one in cards],
        "network": [
            {"fixed_ip_v4" if name == "fixed_ip" else name: value for name, value in one.items()} for one in cards
        ],
        "security_groups": [{"name": id} for id in typed["groups"]],
        "group_names": _names(actor, typed["groups"]),
        "key_name": typed["key_name"],
        "user_data": userdata.filled(typed["user_data"], known),
        "OS-DCF:diskConfig": typed["disk_config"] if typed["disk_config"] == "AUTO" else None,
        "hints": (hints := _hints(typed)),
        "scheduler_hints": _in_terraform(hints),
        "availability_zone": typed["zone"],
        "config_drive": typed["config_drive"] or None,
        "description": typed["description"],
        "metadata": _pairs(typed["metadata"]),
        **several,
    }


def _root(typed: Mapping[str, Value]) -> list[Value]:
    """Return the mapping of the volume that the instance boots from, if there is one."""
    names = ("image", "on_volume", "volume_size", "volume_type", "volume_goes")
    root = root_of(LaunchSpec(**{name: typed[name] for name in names}))
    if root is None:
        return []
    size = root.size or (missing("volume_size") if root.source == "image" else None)
    found = {
        "uuid": root.id,
        "source_type": root.source,
        "destination_type": "volume",
        "boot_index": 0,
        "volume_size": size,
    }
    found |= {"volume_type": root.type, "delete_on_termination": root.goes_with_server}
    return [{name: value for name, value in found.items() if value is not None}]


def _with_family(card: dict[str, Value]) -> dict[str, Value]:
    """Say of a card's address which family it is of, as the client asks it."""
    address = card.get("fixed_ip", "")
    return {**card, "v6" if ":" in address else "v4": address}


def _names(actor: RequestContext, ids: Sequence[str]) -> list[str]:
    """Return the names of security groups; of one that is not there yet its place."""
    known = dict(SecurityGroup.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", "name"))
    return [known.get(id, id) for id in ids if id in known or places_in(id)]


#: Hints that Terraform calls by name; it takes others in a map.
_HINTS = ("group", "different_host", "same_host", "query", "target_cell", "different_cell", "build_near_host_ip")


def _in_terraform(hints: Mapping[str, Value]) -> list[Value]:
    """Return the block of scheduler hints, if there are any. Of hosts and queries it takes lists."""
    known = {name: hints[name] for name in _HINTS if name in hints}
    several = ("different_host", "same_host", "query", "different_cell")
    known |= {name: [known[name]] for name in several if isinstance(known.get(name), str)}
    others = {name: value for name, value in hints.items() if name not in _HINTS}
    found = {**known, **({"additional_properties": others} if others else {})}
    return [found] if found else []


def _pairs(text: str) -> dict[str, str]:
    """Read metadata as it is typed: nothing while a line is half there."""
    try:
        return pairs(text)
    except ValidationError:
        return {}


def _hints(typed: Mapping[str, Value]) -> dict[str, Value]:
    """Read the scheduler hints as they are typed: nothing while a line is half there."""
    try:
        return hints_of(LaunchSpec(hints=typed["hints"], server_group=typed["server_group"]))
    except ValidationError:
        return {}


def opened(actor: RequestContext, typed: Mapping[str, Value]) -> tuple[list[Use], list[str]]:
    """Return what makes the groups of the ticked boxes that the project has not, and the ids of all of them."""
    found: list[Use] = []
    ids = []
    for box in doors.shut(typed["doors"], typed["groups"]):
        ids.append(doors.standing(actor, box))
        if ids[-1]:
            continue
        group, several = doors.described(box)
        made = Use(routing.GROUP.create, group, f"open_{box}")
        ids[-1] = made.made
        found.append(made)
        for rule in several:
            values = {**rule, "security_group_id": made.made, "dst_port": str(rule["port_range_min"])}
            found.append(Use(routing.RULE, values, f"{made.label}_{rule['ethertype']}"))
    return found, ids


def launch(call: Call, typed: Typed) -> list[Use]:
    """Return one creation; with floating IPs one a server, each followed by its address."""
    count, floating = min(max(1, typed["count"]), COUNT_LIMIT), typed["floating"]
    found, opening = opened(call.actor, typed)
    typed = Typed({**typed, "groups": [*typed["groups"], *opening]})
    if not floating:
        return [*found, Use(CREATE, asked(call.actor, typed, count))]
    for number in range(1, count + 1):
        end, name = (f"_{number}", f"{typed['name']}-{number}") if count > 1 else ("", typed["name"])
        server = Use(CREATE, {**asked(call.actor, typed, 1), "name": name or missing("name")}, f"server{end}")
        found += [server, *addresses.point(call.actor, floating, server.made, end)]
    return found


def launched(made: list[Value]) -> dict[str, str]:
    return {f"server_{number}" if len(made) > 1 else "server": str(row.id) for number, row in enumerate(made, 1)}


def read(data: Value) -> dict[str, Value]:
    return dict(vars(LaunchSpec.read(data)))


ENTRIES = {"launch": Entry(uses=launch, ids=launched, read=read)}
