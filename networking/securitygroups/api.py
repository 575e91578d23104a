"""Security groups and rules on the wire."""

from collections.abc import Sequence

from authorization.context import RequestContext
from networking import conversions
from networking.resource import Resource, views
from networking.securitygroups import defaults, rules, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from networking.standard import NAME, STANDARD_COLUMNS, standard_fields, standard_values, tags_of
from openstackapi.fields import Field, Fields
from openstackapi.resource import Rows

GROUP_FIELDS = Fields(
    "security_group",
    [
        Field("id"),
        Field("name", create=True, update=True, schema=NAME),
        Field("tenant_id", create=True),
        Field("description", create=True, update=True, schema=NAME),
        Field("shared", type="boolean"),
        Field("security_group_rules", type="array", items="object"),
        *standard_fields(),
    ],
)
PORT_NUMBER = {"type": ["integer", "null"]}  # out of range is told by rules.check, in Neutron's words
RULE_FIELDS = Fields(
    "security_group_rule",
    [
        Field("id"),
        Field("tenant_id", create=True),
        Field("security_group_id", create=True, required=True),
        Field("ethertype", create=True, schema={"type": ["string", "null"]}),
        Field("direction", create=True, required=True),
        Field("protocol", null=True, create=True, schema={"type": ["string", "integer", "null"]}),
        Field("port_range_min", type="integer", null=True, create=True, schema=PORT_NUMBER),
        Field("port_range_max", type="integer", null=True, create=True, schema=PORT_NUMBER),
        Field("remote_ip_prefix", null=True, create=True),
        Field("remote_group_id", null=True, create=True),
        Field("normalized_cidr", null=True),
        Field("belongs_to_default_sg", type="boolean"),
        Field("description", create=True, schema=NAME),
        *standard_fields(),
    ],
)


def group_rows(groups: Sequence[SecurityGroup]) -> list[dict[str, object]]:
    """Security groups as wire dicts, their rules inside: three queries however many."""
    ids = [group.id for group in groups]
    tags = tags_of(ids)
    inside: dict[str, list[SecurityGroupRule]] = {}
    for rule in SecurityGroupRule.objects.filter(group_id__in=ids).select_related("group").order_by("created_at", "id"):
        inside.setdefault(rule.group_id, []).append(rule)
    return [
        {
            **standard_values(group, tags.get(group.id, [])),
            "name": group.name,
            "shared": False,
            "security_group_rules": RULE_FIELDS.render_many(rule_rows(inside.get(group.id, []))),
        }
        for group in groups
    ]


def rule_rows(found: Sequence[SecurityGroupRule]) -> list[dict[str, object]]:
    """Rules as wire dicts."""
    return [
        {
            **standard_values(rule, []),
            "security_group_id": rule.group_id,
            "ethertype": rule.ethertype,
            "direction": rule.direction,
            "protocol": rule.protocol or None,
            "port_range_min": rule.port_range_min,
            "port_range_max": rule.port_range_max,
            "remote_ip_prefix": rule.remote_ip_prefix or None,
            "remote_group_id": rule.remote_group_id,
            "normalized_cidr": rule.normalized_cidr or None,
            "belongs_to_default_sg": rule.group.is_default,
        }
        for rule in found
    ]


def visible_groups(actor: RequestContext) -> Rows:
    """Return a project's groups; its default one is made when somebody first looks, as Neutron does."""
    if actor.project_id:
        defaults.ensure_default(actor.project_id)
    rows: Rows = SecurityGroup.objects.visible_to(actor)
    return rows


GROUP = Resource(
    name="security_group",
    plural="security_groups",
    fields=GROUP_FIELDS,
    visible=visible_groups,
    rows=group_rows,
    find=services.find,
    columns={**STANDARD_COLUMNS, "name": "name"},
    create=services.create,
    update=services.update,
    delete=services.delete,
)
RULE = Resource(
    name="security_group_rule",
    plural="security_group_rules",
    fields=RULE_FIELDS,
    visible=lambda actor: SecurityGroupRule.objects.visible_to(actor).select_related("group"),
    rows=rule_rows,
    find=rules.find,
    columns={
        **STANDARD_COLUMNS,
        "security_group_id": "group_id",
        "ethertype": "ethertype",
        "direction": "direction",
        "protocol": "protocol",
        "port_range_min": "port_range_min",
        "port_range_max": "port_range_max",
        "remote_ip_prefix": "remote_ip_prefix",
        "remote_group_id": "remote_group_id",
    },
    spelled={"ethertype": conversions.ethertype, "protocol": str.lower, "remote_ip_prefix": conversions.prefix},
    create=rules.create,
    delete=rules.delete,
)

SecurityGroups, SecurityGroupDetail = views(GROUP)
SecurityGroupRules, SecurityGroupRuleDetail = views(RULE)
