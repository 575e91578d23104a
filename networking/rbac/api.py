"""RBAC policies on the wire."""

from collections.abc import Sequence

from networking.networks.models import NetworkGrant
from networking.rbac import services
from networking.resource import Resource, views
from openstackapi.fields import Field, Fields

FIELDS = Fields(
    "rbac_policy",
    [
        Field("id"),
        Field("object_type", create=True, required=True),
        Field("object_id", create=True, required=True),
        Field("action", create=True, required=True),
        Field("target_tenant", create=True, update=True, required=True),
        Field("tenant_id", create=True),
        Field("project_id", create=True),
    ],
)


def rows(grants: Sequence[NetworkGrant]) -> list[dict[str, object]]:
    return [
        {
            "id": grant.id,
            "object_type": "network",
            "object_id": grant.network_id,
            "action": grant.action,
            "target_tenant": grant.target_project,
            "tenant_id": grant.project_id,
            "project_id": grant.project_id,
        }
        for grant in grants
    ]


RBAC_POLICY = Resource(
    name="rbac_policy",
    plural="rbac_policies",
    fields=FIELDS,
    visible=services.visible_to,
    rows=rows,
    find=services.find,
    columns={
        "id": "id",
        "object_id": "network_id",
        "action": "action",
        "target_tenant": "target_project",
        "tenant_id": "project_id",
        "project_id": "project_id",
    },
    create=services.create,
    update=services.update,
    delete=services.delete,
)

RbacPolicies, RbacPolicyDetail = views(RBAC_POLICY)
