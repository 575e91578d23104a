"""RBAC shares: a network for another project, and its end."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, NotFound
from networking.desired.changes import touch_network
from networking.errors import AttributeForbidden, InvalidInput
from networking.networks.models import EXTERNAL, SHARE, Network, NetworkGrant
from networking.networks.services import find as find_network
from networking.ports.models import Port
from openstackapi import resource
from quota import services as quota


class RbacPolicyNotFound(NotFound):
    template = _("RBAC policy %(id)s could not be found.")


class DuplicateRbacPolicy(Conflict):
    template = _("An RBAC policy already exists with those values.")


class RbacPolicyInUse(Conflict):
    template = _("RBAC policy on object %(network)s cannot be removed because other objects depend on it.")


def find(actor: RequestContext, grant_id: str) -> NetworkGrant:
    """Raises: RbacPolicyNotFound, also for another project's."""
    return resource.find(visible_to(actor), grant_id, RbacPolicyNotFound)


def visible_to(actor: RequestContext) -> QuerySet[NetworkGrant]:
    """Query the grants that an actor's project made; an admin sees all."""
    rows = NetworkGrant.objects.all()
    return rows if actor.is_admin else rows.filter(project_id=actor.project_id or "")


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    object_type: str,
    object_id: str,
    action: str,
    target_tenant: str,
    project_id: str | None = None,
) -> NetworkGrant:
    """Share a network with `target_tenant` (or ``*``). Only an administrator shares with everybody, or as external."""
    if object_type != "network":
        raise InvalidInput(reason=_("'%(object_type)s' is not in ['network']"), object_type=object_type)
    if action not in (SHARE, EXTERNAL):
        raise InvalidInput(
            reason=_("'%(action)s' is not in ['%(share)s', '%(external)s']"),
            action=action,
            share=SHARE,
            external=EXTERNAL,
        )
    network = find_network(actor, object_id)
    policy.require(actor, "create_rbac_policy", network)
    if not actor.is_admin and (target_tenant == "*" or action == EXTERNAL):
        raise AttributeForbidden(attribute="target_tenant" if target_tenant == "*" else "action")
    project = project_id if project_id and actor.is_admin else network.project_id
    quota.require(project, "network", {"rbac_policy": 1})
    try:
        with transaction.atomic():
            grant = NetworkGrant.objects.create(
                project_id=project, network=network, action=action, target_project=target_tenant
            )
    except IntegrityError as error:
        raise DuplicateRbacPolicy() from error
    if action == EXTERNAL and not network.external:
        network.save_changes({"external": True})
        touch_network(network.id)
    return grant


@transaction.atomic
def update(actor: RequestContext, grant_id: str, *, target_tenant: str | None = None) -> NetworkGrant:
    """Share with another project instead.

    Raises: RbacPolicyNotFound, RbacPolicyInUse while the present one has ports there, DuplicateRbacPolicy, AttributeForbidden.
    """
    grant = find(actor, grant_id)
    policy.require(actor, "update_rbac_policy", grant)
    if target_tenant is None or target_tenant == grant.target_project:
        return grant
    if not actor.is_admin and target_tenant == "*":
        raise AttributeForbidden(attribute="target_tenant")
    _refuse_used(grant)
    grant.target_project = target_tenant
    try:
        with transaction.atomic():
            grant.save(update_fields=["target_project"])
    except IntegrityError as error:
        raise DuplicateRbacPolicy() from error
    return grant


@transaction.atomic
def delete(actor: RequestContext, grant_id: str) -> None:
    """Raises: RbacPolicyNotFound, RbacPolicyInUse while the other project has ports there."""
    grant = find(actor, grant_id)
    policy.require(actor, "delete_rbac_policy", grant)
    _refuse_used(grant)
    grant.delete()


def _refuse_used(grant: NetworkGrant) -> None:
    network = Network.objects.get(pk=grant.network_id)
    ports = Port.objects.of_guests().filter(network=network)
    used = (
        ports.exclude(project_id=network.project_id)
        if grant.target_project == "*"
        else ports.filter(project_id=grant.target_project)
    )
    if grant.action == SHARE and used.exists():
        raise RbacPolicyInUse(network=network.id)
