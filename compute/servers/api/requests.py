"""Parse bodies of requests into the arguments of the services."""

from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.truth import truth
from compute.servers.create import mappings as volume_mappings
from compute.servers.create.mappings import Asked
from compute.servers.create.networks import Nic
from compute.servers.create.services import Launch
from hostagent.contract import inet
from openstackapi.versioned import Span

HINTS_LIMIT = (
    8192  # characters of all scheduler hints; keys that are not Nova's are kept, filters read only what they know
)


def ref(value: str | int) -> str:
    """Return the id in a reference: an id, or a link that ends in one."""
    return str(value).rstrip("/").rpartition("/")[2]


def nics(requested: Any) -> list[Nic] | str | None:
    """List the `networks` of a request. Raises: Invalid for an address that is none."""
    if requested is None or isinstance(requested, str):
        return requested
    out = []
    for one in requested:
        address = one.get("fixed_ip") or ""
        if address:
            check_address(address)
        if not one.get("port") and not one.get("uuid"):
            raise Invalid(reason=_("Each network needs a uuid or a port."))
        out.append(Nic(one.get("uuid") or "", one.get("port") or "", address, one.get("tag", "")))
    return out


def check_address(text: str) -> None:
    try:
        inet.ip_address(text)
    except ValueError:
        raise Invalid(reason=_("Invalid fixed IP address (%(text)s)"), text=text) from None


def canonical(text: str) -> str:
    """Return an address in its one short spelling; "" stays. The schema has checked it."""
    return str(inet.ip_address(text)) if text else ""


def launches_password(data: dict[str, Any], name: str) -> bool:
    return bool(truth(data["server"].get(name)))


#: Until where a server without a description has its name for one.
_NAMED_BY_NAME = Span(until=(2, 18))


def launch_of(data: dict[str, Any], version: tuple[int, int]) -> Launch:
    """Return a checked POST /servers body as a Launch. Raises: Invalid."""
    server = data["server"]
    hints = data.get("os:scheduler_hints") or data.get("OS-SCH-HNT:scheduler_hints") or {}
    if len(orjson.dumps(hints)) > HINTS_LIMIT:
        raise Invalid(reason=_("Scheduler hints may have %(most)s characters as JSON. Ask for less."), most=HINTS_LIMIT)
    least, most = _counts(server)
    volumes = volume_mappings.of_request(server)
    return Launch(
        name=server["name"].strip(),
        flavor_id=ref(server["flavorRef"]),
        image_id=_image(server, volumes),
        volumes=volumes,
        networks=nics(server.get("networks")),
        security_groups=[group["name"] for group in server.get("security_groups", ()) if "name" in group],
        key_name=server.get("key_name"),
        user_data=server.get("user_data"),
        metadata=server.get("metadata", {}),
        tags=server.get("tags", []),
        description=server.get("description", server["name"].strip() if version in _NAMED_BY_NAME else None),
        hostname=server.get("hostname"),
        config_drive=bool(truth(server.get("config_drive"))),
        personality=server.get("personality", []),
        mappings=server.get("block_device_mapping_v2", []),
        availability_zone=server.get("availability_zone"),
        host=server.get("host") or server.get("hypervisor_hostname"),
        hints=hints,
        disk_config=server.get("OS-DCF:diskConfig", "MANUAL"),
        access_ip_v4=canonical(server.get("accessIPv4", "")),
        access_ip_v6=canonical(server.get("accessIPv6", "")),
        trusted_image_certificates=server.get("trusted_image_certificates"),
        count=most,
        at_least=least,
    )


def _counts(server: dict[str, Any]) -> tuple[int, int]:
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        raise Invalid(reason=_("min_count must be <= max_count"))
    if least < 1 or most > 1000:
        raise Invalid(reason=_("min_count and max_count must be between 1 and 1000."))
    return least, most


def _image(server: dict[str, Any], volumes: list[Asked]) -> str | None:
    """Return the image to boot from: imageRef, or the one mapping that says the same in block_device_mapping_v2; None for a volume."""
    image = ref(server.get("imageRef") or "")
    for mapping in server.get("block_device_mapping_v2") or ():
        if mapping.get("source_type") == "image" and mapping.get("destination_type") == "local":
            if str(mapping.get("boot_index", 0)) != "0":
                raise Invalid(reason=_("Block Device Mapping is Invalid: an image is on the root disk alone."))
            image = str(mapping.get("uuid") or image)
    if image:
        return image
    if volume_mappings.root_of(volumes) is None:
        raise Invalid(reason=_("Invalid imageRef provided."))
    return None
