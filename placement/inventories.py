"""A host's inventory report becomes its resource provider."""

from typing import Any

from django.db import transaction

from hosts.models import Host
from placement import usage
from placement.models import Inventory, ProviderTrait, ResourceProvider

#: How much more may be allocated than there is. Guests seldom use all their processors at once; memory and disk are
#: allocated once only, since a guest that needs them cannot wait.
RATIOS = {"VCPU": 16.0, "MEMORY_MB": 1.0, "DISK_GB": 1.0}


def on_inventory(row: Host) -> None:
    """Make or update the provider of a host, from its inventory. Unchanged: two reads, no write.

    What the image cache may take is reserved of the disk, as Nova does it with `reserved_host_disk_mb`.
    """
    host, body = row.name, row.inventory
    totals = {
        "VCPU": int(body["vcpus"]),
        "MEMORY_MB": int(body["memory_mib"]),
        "DISK_GB": int(body["disk_gib"]),
    }
    reserved = {"DISK_GB": min(int(body.get("image_cache_gib", 0)), totals["DISK_GB"])}
    rows = Inventory.objects.filter(provider__name=host).values_list("resource_class", "total", "reserved")
    have = {name: (total, held if name in reserved else 0) for name, total, held in rows}
    traits = traits_of(body)
    known = set(ProviderTrait.objects.filter(provider__name=host).values_list("name", flat=True))
    if have == {name: (total, reserved.get(name, 0)) for name, total in totals.items()} and traits <= known:
        return
    write(host, totals, reserved, traits - known)


@transaction.atomic
def write(host: str, totals: dict[str, int], reserved: dict[str, int], new_traits: set[str]) -> None:
    usage.changing()
    row, made = ResourceProvider.objects.select_for_update().get_or_create(name=host)
    for resource_class, total in totals.items():
        held = {"reserved": reserved[resource_class]} if resource_class in reserved else {}
        Inventory.objects.update_or_create(
            provider=row,
            resource_class=resource_class,
            defaults={"total": total, "max_unit": max(total, 1), **held},
            create_defaults={
                "total": total,
                "max_unit": max(total, 1),
                "allocation_ratio": RATIOS[resource_class],
                **held,
            },
        )
    ProviderTrait.objects.bulk_create(
        (ProviderTrait(provider=row, name=name) for name in new_traits), ignore_conflicts=True
    )
    if not made:
        row.generation += 1
        row.save(update_fields=["generation"])


def traits_of(body: dict[str, Any]) -> set[str]:
    """Names of the traits that a reported inventory shows."""
    names = {"COMPUTE_NODE"}
    arch = str(body.get("cpu_arch", "")).upper()
    if arch in ("X86_64", "AARCH64"):
        names.add(f"HW_ARCH_{arch}")
    for capability in body.get("capabilities", []):
        safe = "".join(c if c.isalnum() else "_" for c in str(capability).upper())
        names.add(f"CUSTOM_{safe}")
    return names


def forget(host: str) -> None:
    """Remove a host's provider. Raises ProtectedError when something is still allocated on it."""
    ResourceProvider.objects.filter(name=host).delete()
