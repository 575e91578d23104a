"""What the launch form says: read as it was sent, checked, kept as a draft, and made into servers."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from common.errors import Invalid
from common.numbers import is_whole
from compute.servers.create import services as creating
from compute.servers.create.mappings import Asked
from compute.servers.create.networks import Nic
from compute.servers.models import Server
from hostagent.contract import inet
from networking.ports.models import Port
from networking.securitygroups import defaults
from portal.servers import doors, userdata
from portal.servers.dialogs import NEW, associate
from portal.ui.forms import Pairs

NAME_LIMIT, COUNT_LIMIT = 255, 50
#: In front of the fields that are named by what they are of. What is in a field of SECRET is kept nowhere (portal.session.held).
FIXED, VARIABLE, SECRET = "fixed-", "var-", "secret-"
#: Fields of the form's page that are not of the launch.
_ASIDE = frozenset({"csrfmiddlewaretoken", "template_name", "snippet_name", "snippet"})


@dataclass
class LaunchSpec:
    """The fields of the launch form as sent, unchecked. `image`: the id of one, or what else it starts from, as "volume:<id>" or
    "snapshot:<id>". `fixed`: network id → address; `values`: variable of user data → its value."""

    name: str = ""
    count: int = 1
    image: str = ""
    on_volume: bool = False  # its root disk is a new volume
    volume_size: str = ""  # GiB
    volume_type: str = ""
    volume_goes: bool = False  # with the instance
    flavor: str = ""
    networks: Sequence[str] = ()
    groups: Sequence[str] = ()
    doors: Sequence[str] = ()
    floating: str = ""
    key_name: str = ""
    user_data: str = ""
    zone: str = ""
    config_drive: bool = False
    ports: Sequence[str] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    server_group: str = ""
    hints: str = ""
    metadata: str = ""
    disk_config: str = "MANUAL"

    @classmethod
    def read(cls, data: QueryDict) -> "LaunchSpec":
        """Read the form of a launch; a count that is no whole number is 0. `errors` says what is wrong."""
        count = data.get("count", "1").strip() or "1"
        return cls(
            name=data.get("name", "").strip(),
            count=int(count) if is_whole(count) else 0,
            image=data.get("image", ""),
            on_volume=bool(data.get("on_volume")),
            volume_size=data.get("volume_size", "").strip(),
            volume_type=data.get("volume_type", ""),
            volume_goes=bool(data.get("volume_goes")),
            flavor=data.get("flavor", ""),
            networks=tuple(data.getlist("networks")),
            groups=tuple(data.getlist("groups")),
            doors=tuple(data.getlist("doors")),
            floating=data.get("floating", ""),
            key_name=data.get("key_name", ""),
            user_data=data.get("user_data", "").replace("\r\n", "\n"),
            zone=data.get("zone", ""),
            config_drive=bool(data.get("config_drive")),
            ports=tuple(data.getlist("ports")),
            fixed=_named(data, FIXED),
            values=_named(data, VARIABLE) | _named(data, SECRET),
            description=data.get("description", "").strip(),
            server_group=data.get("server_group", ""),
            hints=data.get("hints", "").replace("\r\n", "\n"),
            metadata=data.get("metadata", "").replace("\r\n", "\n"),
            disk_config="AUTO" if data.get("disk_config") == "AUTO" else "MANUAL",
        )

    @classmethod
    def of_draft(cls, kept: Mapping[str, str]) -> "LaunchSpec":
        """Take up what `form_of` gave."""
        return cls.read(QueryDict(kept.get("form", "")))

    @property
    def has_more(self) -> bool:
        """Whether anything of what is folded away is filled."""
        return bool(
            self.zone or self.config_drive or self.ports or any(self.fixed.values()) or self.description
            or self.server_group or self.hints or self.metadata or self.disk_config != "MANUAL"
        )  # fmt: skip

    @property
    def variables(self) -> list[tuple[str, str, bool]]:
        """List (name, value, whether it is a secret) of each variable in the user data."""
        return [
            (name, self.values.get(name, ""), userdata.is_secret(name)) for name in userdata.variables(self.user_data)
        ]

    def errors(self) -> dict[str, str]:
        """Check the fields: name → sentence for each that is wrong."""
        found = {}
        if not self.name or len(self.name) > NAME_LIMIT:
            found["name"] = _("A name has 1 to 255 characters.")
        if not 1 <= self.count <= COUNT_LIMIT:
            found["count"] = _("From 1 to %(limit)s.") % {"limit": COUNT_LIMIT}
        if not self.image:
            found["image"] = _("Choose an image or a volume.")
        elif (
            self.on_volume and not _starts_from(self)[0] and not (is_whole(self.volume_size) and int(self.volume_size))
        ):
            found["volume_size"] = _("Say how large the volume is to be, in GiB.")
        if not self.flavor:
            found["flavor"] = _("Choose a flavor.")
        if not self.networks and not self.ports:
            found["networks"] = _("Choose a network.")
        if self.networks and not self.groups and not self.doors:
            found["groups"] = _("Choose a security group: the default one lets nothing in.")
        empty = [name for name, value, _secret in self.variables if not value.strip()]
        if empty:
            found["user_data"] = _("Fill in %(names)s: the user data asks for it.") % {"names": ", ".join(empty)}
        return found | self._errors_of_more()

    def _errors_of_more(self) -> dict[str, str]:
        found = {}
        addresses = [self.fixed.get(network, "") for network in self.networks]
        for address in filter(None, addresses):
            if not _is_address(address):
                found["fixed"] = _("%(address)s is no IP address.") % {"address": address}
        if self.count > 1 and any(addresses):
            found["fixed"] = _("A fixed IP is of one instance: launch them one by one, or leave it empty.")
        if self.count > 1 and self.ports:
            found["ports"] = _("A port is of one instance: launch them one by one, or choose networks.")
        if len(self.description) > NAME_LIMIT:
            found["description"] = _("At most %(limit)s characters.") % {"limit": NAME_LIMIT}
        for name in ("metadata", "hints"):
            try:
                pairs(getattr(self, name))
            except ValidationError as error:
                found[name] = " ".join(error.messages)
        return found


def _starts_from(spec: LaunchSpec) -> tuple[str, str]:
    """("volume" or "snapshot", its id), or ("", the image's id)."""
    kind, separator, id = spec.image.partition(":")
    return (kind, id) if separator else ("", kind)


def root_of(spec: LaunchSpec) -> Asked | None:
    """Return the volume that an instance boots from; None for a disk on its host."""
    kind, id = _starts_from(spec)
    if kind == "volume":
        return Asked("volume", id, is_root=True)
    if not kind and not spec.on_volume:
        return None
    size = int(spec.volume_size) if is_whole(spec.volume_size) and int(spec.volume_size) else None
    return Asked(kind or "image", id, size, spec.volume_type or None, is_root=True, goes_with_server=spec.volume_goes)


def form_of(data: QueryDict) -> dict[str, str]:
    """Return a form for a draft: all fields as they were sent, but for secrets."""
    kept = data.copy()
    for name in data:
        if name in _ASIDE or name.startswith(SECRET):
            del kept[name]
    return {"form": kept.urlencode()}


def _named(data: QueryDict, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): data.get(name, "").strip() for name in data if name.startswith(prefix)}


def _is_address(text: str) -> bool:
    try:
        inet.ip_address(text)
    except ValueError:
        return False
    return True


def pairs(text: str) -> dict[str, str]:
    """Read ``name=value`` lines. Raises: ValidationError."""
    return Pairs(required=False).clean(text)


def hints_of(spec: LaunchSpec) -> dict[str, object]:
    """Return the scheduler hints: a value with commas is a list, and the server group is one of them."""
    found: dict[str, object] = {
        name: [one.strip() for one in value.split(",")] if "," in value else value
        for name, value in pairs(spec.hints).items()
    }
    return {**found, "group": spec.server_group} if spec.server_group else found


@transaction.atomic
def launch(actor: RequestContext, spec: LaunchSpec) -> list[Server]:
    """Create the servers, their floating IPs and the groups that open their ports, together or not at all.

    Raises: as creating.create(), associate() and doors.groups(); Invalid where a floating IP cannot lead to them.
    """
    text = userdata.filled(spec.user_data, spec.values)
    data = base64.b64encode(text.encode()).decode() if text.strip() else None
    groups = defaults.made(actor.project_id or "", spec.groups)
    nics = [Nic(network_id=id, fixed_ip=spec.fixed.get(id, "")) for id in spec.networks]
    root = root_of(spec)
    servers = creating.create(
        actor,
        creating.Launch(
            name=spec.name,
            flavor_id=spec.flavor,
            image_id=None if root else spec.image,
            volumes=[root] if root else [],
            networks=[*nics, *(Nic(port_id=id) for id in spec.ports)] or None,
            security_groups=[*groups, *doors.groups(actor, spec.doors, groups)],
            key_name=spec.key_name or None,
            user_data=data,
            metadata=pairs(spec.metadata),
            description=spec.description or None,
            config_drive=spec.config_drive,
            availability_zone=spec.zone or None,
            hints=hints_of(spec),
            disk_config=spec.disk_config,
            count=spec.count,
            at_least=spec.count,
        ),
    )
    if spec.floating:
        _lead(actor, spec, servers)
    return servers


def _lead(actor: RequestContext, spec: LaunchSpec, servers: list[Server]) -> None:
    if len(servers) > 1 and not spec.floating.startswith(NEW):
        raise Invalid(reason=_("One floating IP leads to one instance; take new ones for several."))
    for server in servers:
        port = Port.objects.of_server(server).first()
        if port is None:
            raise Invalid(reason=_("Without a network there is nothing that a floating IP could lead to."))
        associate(actor, spec.floating, port.id, None)
