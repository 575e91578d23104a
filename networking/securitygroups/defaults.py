"""The default group of a project, and the rules a new group starts with."""

from collections.abc import Iterable

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


def shown_default(project_id: str) -> SecurityGroup:
    """Return the project's group `default` for a choice: as it is, or one that is not made yet, whose id is its name."""
    found: SecurityGroup | None = _default.first(project_id)
    return found or SecurityGroup(pk=NAME, project_id=project_id, name=NAME, description=DESCRIPTION, is_default=True)


def made(project_id: str, ids: Iterable[str]) -> list[str]:
    """List the ids of groups that were chosen, the default one made if it was not there yet."""
    return [ensure_default(project_id).pk if id == NAME else id for id in ids]


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
