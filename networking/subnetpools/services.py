"""Subnet pools and address scopes."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid, OverLimit
from common.live import announce
from hostagent.contract import inet
from networking.addressing import IPNetwork, subtract
from networking.errors import AddressScopeNotFound, AttributeForbidden, InvalidInput, SubnetPoolNotFound
from networking.standard import Tag
from networking.subnetpools.models import AddressScope, SubnetPool
from networking.subnets import checks
from networking.subnets.models import Subnet
from openstackapi import resource
from quota import services as quota


class SubnetPoolInUse(Conflict):
    wire_type = "SubnetPoolDeleteError"
    formerly = ("SubnetPoolDeleteError",)
    template = _("Unable to delete subnet pool: Subnet pool has existing allocations.")


class AddressScopeInUse(Conflict):
    template = _(
        "Unable to complete operation on address scope %(id)s. There are one or more subnet pools in use on it."
    )


class IllegalSubnetPoolPrefixBounds(Invalid):
    template = _("Illegal prefix bounds: %(reason)s.")


class IllegalSubnetPoolUpdate(Invalid):
    template = _("Illegal subnetpool update : %(reason)s.")


class AddressScopePrefixConflict(Conflict):
    template = _("Failed to associate address scope: subnetpools within an address scope must have unique prefixes.")


class SubnetAllocationError(Conflict):
    template = _("Failed to allocate subnet: %(reason)s.")


class SubnetPoolQuotaExceeded(OverLimit):
    template = _("Per-tenant subnet pool prefix quota exceeded.")


#: `default_quota` counts addresses of IPv4 and /64 ranges of IPv6.
_QUOTA_UNIT = {4: 32, 6: 64}


def find(actor: RequestContext, pool_id: str, *, lock: bool = False) -> SubnetPool:
    """Raises: SubnetPoolNotFound, also for another project's pool that is not shared."""
    return resource.find(SubnetPool.objects.visible_to(actor), pool_id, SubnetPoolNotFound, lock=lock)


def default_pool(actor: RequestContext, version: int) -> SubnetPool | None:
    """Return the pool of this IP version that is used when a subnet asks for the default one, if the actor sees it."""
    rows: models.QuerySet[SubnetPool] = SubnetPool.objects.visible_to(actor)
    return rows.filter(is_default=True, ip_version=version).first()


def _only_default(pool: SubnetPool) -> None:
    """Raises: InvalidInput."""
    others = SubnetPool.objects.select_for_update().filter(is_default=True, ip_version=pool.ip_version)
    if pool.is_default and others.exclude(pk=pool.pk).exists():
        raise InvalidInput(
            reason=_(
                "A default subnetpool for this IP family has already been set. Only one default may exist per IP family"
            )
        )


def find_scope(actor: RequestContext, scope_id: str) -> AddressScope:
    """Raises: AddressScopeNotFound, also for another project's scope that is not shared."""
    return resource.find(AddressScope.objects.visible_to(actor), scope_id, AddressScopeNotFound)


def _prefixes(texts: Sequence[str]) -> tuple[list[str], int]:
    """Collapsed prefixes of one IP version, and the version. Raises: InvalidInput."""
    try:
        networks = [inet.ip_network(text, strict=False) for text in texts]
    except ValueError as error:
        raise InvalidInput(
            reason=_("'%(prefixes)s' holds something that is not a CIDR"), prefixes=list(texts)
        ) from error
    versions = {network.version for network in networks}
    if len(versions) != 1:
        raise InvalidInput(reason=_("a subnet pool needs prefixes, all of one IP version"))
    collapsed = ipaddress.collapse_addresses(networks)  # type: ignore[type-var]
    return [str(network) for network in collapsed], versions.pop()


def _bounds(version: int, low: int | None, high: int | None, usual: int | None) -> tuple[int, int, int]:
    """(min, max, default) prefix length: 8…32 for IPv4, 64…128 for IPv6 unless said."""
    bits = 32 if version == 4 else 128
    least, most = low if low is not None else (8 if version == 4 else 64), high if high is not None else bits
    common = usual if usual is not None else least
    if not 0 < least <= most <= bits or not least <= common <= most:
        raise IllegalSubnetPoolPrefixBounds(
            reason=_("min_prefixlen=%(least)s, default_prefixlen=%(common)s, max_prefixlen=%(most)s"),
            least=least,
            common=common,
            most=most,
        )
    return least, most, common


def _require_rights(actor: RequestContext, rule: str, **special: object) -> None:
    """`rule` says who may set `shared`. Raises: AttributeForbidden."""
    for attribute, value in special.items():
        may = policy.allows(actor, rule) if attribute == "shared" else actor.is_admin
        if value and not may:
            raise AttributeForbidden(attribute=attribute)


def _check_scope(actor: RequestContext, pool: SubnetPool, scope_id: str | None) -> AddressScope | None:
    if not scope_id:
        return None
    scope = find_scope(actor, scope_id)
    if scope.ip_version != pool.ip_version:
        raise IllegalSubnetPoolUpdate(
            reason=_("the address scope %(scope)s is of IPv%(version)s"), scope=scope_id, version=scope.ip_version
        )
    mine = [inet.ip_network(prefix) for prefix in pool.prefixes]
    for other in scope.pools.exclude(pk=pool.pk):
        if any(inet.ip_network(p).overlaps(m) for p in other.prefixes for m in mine):
            raise AddressScopePrefixConflict()
    return scope


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    name: str,
    prefixes: Sequence[str],
    project_id: str | None = None,
    description: str = "",
    min_prefixlen: int | None = None,
    max_prefixlen: int | None = None,
    default_prefixlen: int | None = None,
    default_quota: int | None = None,
    shared: bool = False,
    is_default: bool = False,
    address_scope_id: str | None = None,
) -> SubnetPool:
    """Prefixes to cut subnets from. Raises: InvalidInput, IllegalSubnetPoolPrefixBounds, AddressScopePrefixConflict."""
    project = project_id or actor.project_id or ""
    policy.require(actor, "create_subnetpool", project)
    _require_rights(actor, "create_subnetpool:shared", shared=shared, is_default=is_default)
    texts, version = _prefixes(prefixes)
    low, high, usual = _bounds(version, min_prefixlen, max_prefixlen, default_prefixlen)
    quota.require(project, "network", {"subnetpool": 1})
    pool = SubnetPool(
        name=name,
        project_id=project,
        description=description,
        ip_version=version,
        prefixes=texts,
        min_prefixlen=low,
        max_prefixlen=high,
        default_prefixlen=usual,
        default_quota=default_quota,
        shared=shared,
        is_default=is_default,
    )
    pool.address_scope = _check_scope(actor, pool, address_scope_id)
    _only_default(pool)
    pool.save(force_insert=True)
    announce("subnetpool", pool.id, project)
    return pool


@transaction.atomic
def update(actor: RequestContext, pool_id: str, **changes: Any) -> SubnetPool:
    """Prefixes may be added and never taken away, because subnets may have been cut from them."""
    pool = find(actor, pool_id, lock=True)
    policy.require(actor, "update_subnetpool", pool)
    _require_rights(actor, "create_subnetpool:shared", is_default=changes.get("is_default"))
    if "prefixes" in changes:
        texts, version = _prefixes(changes["prefixes"])
        new = [inet.ip_network(text) for text in texts]
        old = [inet.ip_network(text) for text in pool.prefixes]
        if version != pool.ip_version or not all(any(o.subnet_of(n) for n in new) for o in old):  # type: ignore[arg-type]
            raise IllegalSubnetPoolUpdate(reason=_("existing prefixes must be a subset of the new prefixes"))
        changes["prefixes"] = texts
    bounds = [changes.get(key, getattr(pool, key)) for key in ("min_prefixlen", "max_prefixlen", "default_prefixlen")]
    changes["min_prefixlen"], changes["max_prefixlen"], changes["default_prefixlen"] = _bounds(pool.ip_version, *bounds)
    if "address_scope_id" in changes:
        changes["address_scope"] = _check_scope(actor, pool, changes.pop("address_scope_id"))
    pool.save_changes(changes)
    _only_default(pool)
    return pool


@transaction.atomic
def delete(actor: RequestContext, pool_id: str) -> None:
    pool = find(actor, pool_id, lock=True)
    policy.require(actor, "delete_subnetpool", pool)
    if pool.subnets.exists():
        raise SubnetPoolInUse()
    remove(pool)


def cut(
    actor: RequestContext, pool_id: str, *, project: str, cidr: str | None, prefixlen: int | None, version: int
) -> IPNetwork:
    """Return a range of the pool that no subnet of it has, for a project: the one asked for, or the first of this length.

    Locks the pool until the transaction ends. Raises: SubnetPoolNotFound, SubnetAllocationError, SubnetPoolQuotaExceeded,
    InvalidInput.
    """
    pool = find(actor, pool_id, lock=True)
    if pool.ip_version != version:
        raise InvalidInput(
            reason=_("the subnet pool is of IPv%(pool_version)s, the subnet of IPv%(version)s"),
            pool_version=pool.ip_version,
            version=version,
        )
    found = _free(pool, cidr, prefixlen)
    _within_quota(pool, project, found)
    return found


def _within_quota(pool: SubnetPool, project: str, new: IPNetwork) -> None:
    """Raises: SubnetPoolQuotaExceeded. A quota of 0 or none is no limit, as in Neutron."""
    held = (
        Subnet.objects.filter(subnetpool=pool, project_id=project).values_list("cidr", flat=True)
        if pool.default_quota
        else ()
    )
    unit = _QUOTA_UNIT[pool.ip_version]
    used = sum(2.0 ** (unit - inet.ip_network(range).prefixlen) for range in (*held, str(new)))
    if pool.default_quota and used > pool.default_quota:
        raise SubnetPoolQuotaExceeded()


def _free(pool: SubnetPool, cidr: str | None, prefixlen: int | None) -> IPNetwork:
    used = [inet.ip_network(text) for text in Subnet.objects.filter(subnetpool=pool).values_list("cidr", flat=True)]
    prefixes = [inet.ip_network(text) for text in pool.prefixes]
    if cidr:
        asked = checks.cidr(cidr, pool.ip_version)
        if not any(asked.subnet_of(prefix) for prefix in prefixes):  # type: ignore[arg-type]
            raise SubnetAllocationError(reason=_("Cannot allocate requested subnet from the available set of prefixes"))
        if any(asked.overlaps(other) for other in used):
            raise SubnetAllocationError(reason=_("Cannot allocate requested subnet: it overlaps another of the pool"))
        return asked
    length = prefixlen if prefixlen is not None else pool.default_prefixlen
    if not pool.min_prefixlen <= length <= pool.max_prefixlen:
        raise SubnetAllocationError(
            reason=_("prefix length %(length)s is outside %(low)s–%(high)s"),
            length=length,
            low=pool.min_prefixlen,
            high=pool.max_prefixlen,
        )
    for prefix in prefixes:
        free = subtract(prefix, used, length)
        if free is not None:
            return free
    raise SubnetAllocationError(
        reason=_("Insufficient prefix space to allocate subnet size /%(length)s"), length=length
    )


@transaction.atomic
def create_scope(
    actor: RequestContext, *, name: str, ip_version: int, project_id: str | None = None, shared: bool = False
) -> AddressScope:
    project = project_id or actor.project_id or ""
    policy.require(actor, "create_address_scope", project)
    _require_rights(actor, "create_address_scope:shared", shared=shared)
    return AddressScope.objects.create(name=name, ip_version=ip_version, project_id=project, shared=shared)


@transaction.atomic
def update_scope(actor: RequestContext, scope_id: str, **changes: Any) -> AddressScope:
    scope = find_scope(actor, scope_id)
    policy.require(actor, "update_address_scope", scope)
    _require_rights(actor, "update_address_scope:shared", shared=changes.get("shared"))
    scope.save_changes(changes)
    return scope


@transaction.atomic
def delete_scope(actor: RequestContext, scope_id: str) -> None:
    scope = find_scope(actor, scope_id)
    policy.require(actor, "delete_address_scope", scope)
    if scope.pools.exists():
        raise AddressScopeInUse(id=scope_id)
    remove(scope)


def remove(row: SubnetPool | AddressScope) -> None:
    """Remove the row of a subnet pool or an address scope, and its tags. Within a transaction; no questions asked."""
    Tag.objects.filter(resource_id=row.id).delete()
    type(row).objects.filter(pk=row.id).delete()
