"""POST /servers/{id}/action: one table from the body's key to what it does. A key that is not here is 400."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid
from compute.consoles import services as consoles
from compute.proxies import networks_api
from compute.servers.api import requests, schemas, servers
from compute.servers.api.schemas import NAME, obj
from compute.servers.lifecycle import deletion, groups, interfaces, power, services, snapshots
from compute.servers.lifecycle import rebuild as rebuilding
from compute.servers.lifecycle import resize as resizing
from compute.servers.models import Server, WrongState
from compute.versions.removed import RouteRemoved
from compute.views import ComputeView, Response
from openstackapi import bodies
from openstackapi.shapes import AnyOf, Versioned, With
from openstackapi.versioned import ByVersion, Names, Property, Span, body_schema

Body = Any
Act = Callable[[ComputeView, str, Body], Response]
_NULL = {"type": ["null", "object", "string"]}
_EMPTY = {"type": ["null", "object"]}


def _accepted(verb: Callable[..., object]) -> Act:
    """A verb without arguments that answers 202."""

    def act(view: ComputeView, server_id: str, body: Body) -> Response:
        verb(view.actor, server_id=server_id)
        return Response(status=202)

    return act


def reboot(view: ComputeView, server_id: str, body: Body) -> Response:
    power.reboot(view.actor, server_id=server_id, hard=body["type"].upper() == "HARD")
    return Response(status=202)


def confirm_resize(view: ComputeView, server_id: str, body: Body) -> Response:
    resizing.confirm_resize(view.actor, server_id=server_id)
    return Response(status=204)


def resize(view: ComputeView, server_id: str, body: Body) -> Response:
    flavor_id, disk_config = requests.ref(body["flavorRef"]), body.get("OS-DCF:diskConfig")
    resizing.resize(view.actor, server_id=server_id, flavor_id=flavor_id, disk_config=disk_config)
    return Response(status=202)


_REBUILD_COLUMNS = {
    "name": "name",
    "metadata": "metadata",
    "description": "description",
    "OS-DCF:diskConfig": "disk_config",
    "accessIPv4": "access_ip_v4",
    "accessIPv6": "access_ip_v6",
    "key_name": "key_name",
    "user_data": "user_data",
    "personality": "personality",
    "hostname": "hostname",
    "trusted_image_certificates": "trusted_image_certificates",
}


#: Further attributes in the answer of rebuild → version from which each is shown.
_BESIDES = Names({"key_name": (2, 54), "user_data": (2, 57)})
#: The id of a new image is in the body, not in Location; a lock may have a reason.
_IMAGE_IN_BODY = Span(since=(2, 45))
_REASON = Property("locked_reason", {"type": "string", "minLength": 1, "maxLength": 255}, since=(2, 73))
_LOCK = ByVersion({v: body_schema((_REASON,), v) for v in ((2, 1), (2, 73))})


def rebuild(view: ComputeView, server_id: str, body: Body) -> Response:
    bodies.validate(body, schemas.rebuild(view.body_version))
    changes = {column: body[name] for name, column in _REBUILD_COLUMNS.items() if name in body}
    for column in ("access_ip_v4", "access_ip_v6"):
        if column in changes:
            changes[column] = requests.canonical(changes[column])
    if not requests.ref(body["imageRef"]):
        raise Invalid(reason=_("Invalid imageRef provided."))
    rebuilding.rebuild(view.actor, server_id=server_id, image_id=requests.ref(body["imageRef"]), **changes)
    out = servers.shown(view, server_id, short=view.version in servers.SHORT_ANSWERS)
    out["adminPass"] = body.get("adminPass") or secrets.token_urlsafe(9)
    besides = _BESIDES.at(view.version)
    if "key_name" in besides:
        out.setdefault("key_name", changes.get("key_name", _column(server_id, "key_name")))
    if "user_data" in besides:
        out.pop("OS-EXT-SRV-ATTR:user_data", None)
        out["user_data"] = changes.get("user_data", _column(server_id, "user_data"))
    return Response({"server": out}, status=202)


def _column(server_id: str, name: str) -> object:
    return Server.objects.filter(id=server_id).values_list(name, flat=True).first()


def _image_answer(view: ComputeView, image_id: str) -> Response:
    """From 2.45 on the id is in the body, before in the Location."""
    if view.version in _IMAGE_IN_BODY:
        return Response({"image_id": image_id}, status=202)
    response = Response(status=202)
    response["Location"] = f"{view.root()}/api/image/v2/images/{image_id}"
    return response


def create_image(view: ComputeView, server_id: str, body: Body) -> Response:
    metadata = body.get("metadata")
    image_id = snapshots.snapshot(view.actor, server_id=server_id, name=body["name"].strip(), metadata=metadata)
    return _image_answer(view, image_id)


def create_backup(view: ComputeView, server_id: str, body: Body) -> Response:
    image_id = snapshots.backup(
        view.actor,
        server_id=server_id,
        name=body["name"].strip(),
        backup_type=body["backup_type"],
        rotation=int(body["rotation"]),
        metadata=body.get("metadata"),
    )
    return _image_answer(view, image_id)


def unshelve(view: ComputeView, server_id: str, body: Body) -> Response:
    bodies.validate(body, schemas.unshelve(view.version))
    snapshots.unshelve(view.actor, server_id=server_id, **(body or {}))
    return Response(status=202)


def lock(view: ComputeView, server_id: str, body: Body) -> Response:
    reason = None
    if isinstance(body, dict):
        bodies.validate(body, _LOCK.at(view.version))
        reason = body.get("locked_reason")
    services.lock(view.actor, server_id=server_id, reason=reason)
    return Response(status=202)


def reset_state(view: ComputeView, server_id: str, body: Body) -> Response:
    services.reset_state(view.actor, server_id=server_id, state=body["state"])
    return Response(status=202)


def add_group(view: ComputeView, server_id: str, body: Body) -> Response:
    groups.add_group(view.actor, server_id=server_id, name=body["name"])
    return Response(status=202)


def remove_group(view: ComputeView, server_id: str, body: Body) -> Response:
    groups.remove_group(view.actor, server_id=server_id, name=body["name"])
    return Response(status=202)


def add_fixed_ip(view: ComputeView, server_id: str, body: Body) -> Response:
    interfaces.add_fixed_ip(view.actor, server_id=server_id, network_id=str(body["networkId"]))
    return Response(status=202)


def remove_fixed_ip(view: ComputeView, server_id: str, body: Body) -> Response:
    requests.check_address(body["address"])
    interfaces.remove_fixed_ip(view.actor, server_id=server_id, address=body["address"])
    return Response(status=202)


def restore(view: ComputeView, server_id: str, body: Body) -> Response:
    """Refuse to restore: nothing is deleted softly here, so nothing can be restored: a conflict, as Nova has it for a living server."""
    server = services.find(view.actor, server_id, "os_compute_api:os-deferred-delete:restore")
    raise WrongState(verb="restore", id=server_id, attr="vm_state", state=server.vm_state)


def add_floating_ip(view: ComputeView, server_id: str, body: Body) -> Response:
    networks_api.add_floating_ip(
        view.actor, server_id=server_id, address=body["address"], fixed=body.get("fixed_address")
    )
    return Response(status=202)


def remove_floating_ip(view: ComputeView, server_id: str, body: Body) -> Response:
    networks_api.remove_floating_ip(view.actor, server_id=server_id, address=body["address"])
    return Response(status=202)


def console_output(view: ComputeView, server_id: str, body: Body) -> Response:
    length = (body or {}).get("length")
    return Response({"output": consoles.output(view.actor, server_id=server_id, lines=_length(length))})


def _length(value: Any) -> int | None:
    """Lines of the log; None and -1 mean all. Raises: Invalid."""
    if value is None:
        return None
    try:
        lines = int(value)
    except (TypeError, ValueError):
        lines = -2
    if lines < -1:
        raise Invalid(
            reason=_("Invalid input for field/attribute length. Value: %(value)s. It must be -1 or more."), value=value
        )
    return None if lines == -1 else lines


def _console(kind: str, names: tuple[str, ...]) -> Act:
    def act(view: ComputeView, server_id: str, body: Body) -> Response:
        if body["type"] not in names:
            raise Invalid(reason=_("Invalid input for field/attribute type. Value: %(type)s."), type=body["type"])
        url = consoles.url(view.actor, server_id=server_id, kind=kind, root=view.root())
        return Response({"console": {"type": body["type"], "url": url}})

    return act


def change_password(view: ComputeView, server_id: str, body: Body) -> Response:
    """Setting a guest's password needs an agent in the guest, and no guest here has a channel to one."""
    services.find(view.actor, server_id, "os_compute_api:os-admin-password")
    raise NoGuestAgent(id=server_id)


def shelve_offload(view: ComputeView, server_id: str, body: Body) -> Response:
    """Shelving frees the host at once here, so a server that could be offloaded is never there."""
    server = services.find(view.actor, server_id, "os_compute_api:os-shelve:shelve_offload")
    raise WrongState(verb="shelveOffload", id=server_id, attr="vm_state", state=server.vm_state)


def other_console(view: ComputeView, server_id: str, body: Body) -> Response:
    """RDP and SPICE: no guest here has one."""
    services.find(view.actor, server_id, "os_compute_api:os-remote-consoles")
    raise ConsoleUnavailable(type=body["type"])


class NoGuestAgent(Conflict):
    template = _(
        "Failed to set admin password on %(id)s because it runs no guest agent. Sign in with a key pair, or rebuild the "
        "server with user data that sets the password."
    )


def gone(view: ComputeView, server_id: str, body: Body) -> Response:
    """Raises: RouteRemoved. Nova has no console of Hyper-V any more."""
    raise RouteRemoved()


class ConsoleUnavailable(Invalid):
    template = _("Unavailable console type %(type)s.")


_TYPE = obj({"type": {"type": "string"}}, ("type",))
_GROUP = obj({"name": {"type": "string", "minLength": 1, "maxLength": 255}}, ("name",), extra=True)
_ROTATION = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0}
_RESIZE = obj(
    {"flavorRef": {"type": ["string", "integer"], "minLength": 1}, "OS-DCF:diskConfig": schemas.DISK_CONFIG},
    ("flavorRef",),
)
_BACKUP = obj(
    {"name": NAME, "backup_type": {"type": "string"}, "rotation": _ROTATION, "metadata": schemas.METADATA},
    ("name", "backup_type", "rotation"),
)
_FLOATING = obj({"address": {"type": "string"}, "fixed_address": {"type": "string"}}, ("address",))
_REBOOT = obj({"type": {"enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}}, ("type",))

#: Key of the body → (its JSON Schema, what it does, last microversion or None).
ACTIONS: dict[str, tuple[dict[str, Any], Act, tuple[int, int] | None]] = {
    "os-start": (_NULL, _accepted(power.start), None),
    "os-stop": (_NULL, _accepted(power.stop), None),
    "reboot": (_REBOOT, reboot, None),
    "pause": (_NULL, _accepted(power.pause), None),
    "unpause": (_NULL, _accepted(power.unpause), None),
    "suspend": (_NULL, _accepted(power.suspend), None),
    "resume": (_NULL, _accepted(power.resume), None),
    "lock": (_NULL, lock, None),
    "unlock": (_NULL, _accepted(services.unlock), None),
    "resize": (_RESIZE, resize, None),
    "confirmResize": (_NULL, confirm_resize, None),
    "revertResize": (_NULL, _accepted(resizing.revert_resize), None),
    "rebuild": ({"type": "object"}, rebuild, None),
    "createImage": (obj({"name": NAME, "metadata": schemas.METADATA}, ("name",)), create_image, None),
    "createBackup": (_BACKUP, create_backup, None),
    "changePassword": (obj({"adminPass": {"type": "string"}}, ("adminPass",)), change_password, None),
    "shelveOffload": (_NULL, shelve_offload, None),
    "shelve": (_NULL, _accepted(snapshots.shelve), None),
    "unshelve": (_EMPTY, unshelve, None),
    "forceDelete": (_NULL, _accepted(partial(deletion.delete, rule="os_compute_api:os-deferred-delete:force")), None),
    "restore": (_NULL, restore, None),
    "injectNetworkInfo": (_NULL, _accepted(interfaces.send_network_again), None),
    "resetNetwork": (_NULL, _accepted(interfaces.send_network_again), None),
    "os-resetState": (obj({"state": {"enum": ["active", "error"]}}, ("state",)), reset_state, None),
    "addSecurityGroup": (_GROUP, add_group, None),
    "removeSecurityGroup": (_GROUP, remove_group, None),
    "addFixedIp": (obj({"networkId": {"type": ["string", "integer"]}}, ("networkId",)), add_fixed_ip, (2, 43)),
    "removeFixedIp": (obj({"address": {"type": "string"}}, ("address",)), remove_fixed_ip, (2, 43)),
    "addFloatingIp": (_FLOATING, add_floating_ip, (2, 43)),
    "removeFloatingIp": (_FLOATING, remove_floating_ip, (2, 43)),
    "os-getConsoleOutput": (_EMPTY, console_output, None),
    "os-getVNCConsole": (_TYPE, _console("vnc", ("novnc", "xvpvnc")), (2, 5)),
    "os-getSPICEConsole": (_TYPE, other_console, (2, 5)),
    "os-getRDPConsole": ({}, gone, (2, 5)),
    "os-getSerialConsole": (_TYPE, _console("serial", ("serial",)), (2, 5)),
}


_REBUILT = {
    "adminPass": str,
    "key_name?": Versioned(str | None, since=(2, 54)),
    "user_data?": Versioned(str | None, since=(2, 57)),
}


class Action(ComputeView):
    """Do one thing with a server: the body's only key names it."""

    answers = {
        "post": {
            200: AnyOf({"output": str}, {"console": {"type": str, "url": str}}),
            202: AnyOf({"server": With(servers.CHANGED, _REBUILT)}, {"image_id": str}, None),
            204: None,
        }
    }

    bodies = {
        "post": {
            "type": "object",
            "properties": {name: schema for name, (schema, _act, _until) in ACTIONS.items()},
            "minProperties": 1,
            "maxProperties": 1,
        }
    }

    def post(self, request: Any, server_id: str) -> Response:
        data = self.body({"type": "object", "minProperties": 1})
        name = next(iter(data or {}), "")
        if len(data or {}) != 1 or name not in ACTIONS:
            services.find(self.actor, server_id)
            raise Invalid(reason=_("There is no such action: %(name)s"), name=", ".join(data or {})[:100])
        schema, act, until = ACTIONS[name]
        if until is not None and self.version > until:
            raise Invalid(reason=_("There is no such action: %(name)s"), name=name)
        bodies.validate(data[name], schema)
        return act(self, server_id, data[name])
