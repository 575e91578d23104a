"""Options that an operator sets for one domain (for example an LDAP server)."""

from django.db import models

from identity.projects.models import Domain, Project
from keystore.encryption import Place

__all__ = ["Domain", "DomainOption"]


def value_place(domain_id: str, group: str, option: str) -> Place:
    """Name the place that an option's value is encrypted for."""
    return Place("identity.DomainOption", "value", f"{domain_id}/{group}/{option}")


class DomainOption(models.Model):
    """One option of a domain's configuration; `value` is JSON."""

    domain = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    group = models.CharField(max_length=255)
    option = models.CharField(max_length=255)
    value = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "group", "option"], name="domain_option")]
