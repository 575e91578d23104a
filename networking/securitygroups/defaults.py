"""The default group of a project, and the rules a new group starts with."""

from django.db import IntegrityError, transaction

from common.prepared import Prepared
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule

NAME, DESCRIPTION = "default", "Default security group"


_default = Prepared(lambda project: SecurityGroup.objects.filter(project_id=project, is_default=True)[:1])


def ensure_default(project_id: str) -> SecurityGroup:
    """Return the project's group `default`, made on first use. Two makers at once get the same row."""
    found: SecurityGroup | None = _default.first(project_id)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            group = SecurityGroup.objects.create(
                project_id=project_id, name=NAME, description=DESCRIPTION, is_default=True
            )
            add_first_rules(group)
            return group
    except IntegrityError:
        return SecurityGroup.objects.get(project_id=project_id, is_default=True)


def add_first_rules(group: SecurityGroup) -> None:
    """Egress to anywhere; for the default group also ingress from its own members (Neutron's defaults)."""
    rules = []
    for ethertype in ("IPv4", "IPv6"):
        rules.append(
            SecurityGroupRule(group=group, project_id=group.project_id, direction="egress", ethertype=ethertype)
        )
        if group.is_default:
            rules.append(
                SecurityGroupRule(
                    group=group,
                    project_id=group.project_id,
                    direction="ingress",
                    ethertype=ethertype,
                    remote_group=group,
                )
            )
    SecurityGroupRule.objects.bulk_create(rules)
