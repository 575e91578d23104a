"""Verbs of domains and of their configuration."""

from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Forbidden, Invalid, NotFound
from identity.assignments.guards import one_stays
from identity.domains.fields import DOMAIN
from identity.domains.models import value_place
from identity.domains.options import OPTIONS, SECRET
from identity.models import Domain, DomainOption
from identity.projects.services import cascading, guard_immutable, merged_options, remove, set_tags
from identity.resource import Resource, Values, enforce
from identity.revocation import services as revocation
from keystore.encryption import encrypt


class DomainIdTaken(Conflict):
    template = _("Conflict occurred attempting to store domain - Duplicate ID, %(id)s.")


class Domains(Resource[Domain]):
    def rows(self) -> Any:
        return Domain.objects.prefetch_related("tags")

    def target(self, row: Any) -> Values:
        return {"target.domain.id": row.id}

    def list_target(self, actor: RequestContext) -> Values:
        return {"target.domain.id": actor.domain_id} if actor.domain_id else {}

    def mine(self, actor: RequestContext, rows: Any) -> Any:
        return rows.filter(pk=actor.domain_id) if actor.domain_id else rows

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        values.pop("tags", None)
        chosen = values.pop("explicit_domain_id", None)
        if chosen is not None and row is None:
            if Domain.objects.filter(pk=chosen).exists():
                raise DomainIdTaken(id=chosen)
            values["id"] = chosen
        if "description" in values:
            values["description"] = values["description"] or ""
        if row is not None:
            guard_immutable(self.name, row, values)
            if values.get("enabled") is False and row.enabled:
                revocation.revoke(domain_id=row.pk)
        if "options" in values:
            values["options"] = merged_options(row, values["options"])
        return values

    def made(self, actor: RequestContext, row: Any, values: Values) -> None:
        if "tags" in values:
            set_tags(row, values["tags"])

    @transaction.atomic
    def update(self, actor: RequestContext, id: str, values: Values) -> Any:
        with one_stays() if values.get("enabled") is False else nullcontext():
            row = super().update(actor, id, values)
        self.made(actor, row, values)
        return row

    def delete(self, actor: RequestContext, id: str, *, cascade: bool = False) -> None:
        """As of a project: what its projects own goes only with `cascade`. Raises: the same, DomainEnabled."""
        with one_stays(), cascading(cascade):
            super().delete(actor, id)

    def leaving(self, actor: RequestContext, row: Any) -> None:
        remove(row, kind=self.name)


DOMAINS = Domains(
    model=Domain,
    name="domain",
    plural="domains",
    fields=DOMAIN,
    columns={"name": "name", "enabled": "enabled"},
    says_missing=("update",),
    announced=True,
)


# ── Configuration ───────────────────────────────────────────────────────────────────────────────────────────────────


class NoConfig(NotFound):
    template = _("Could not find domain configuration for domain: %(domain_id)s.")


class NotAnOption(Forbidden):
    template = _("Group %(group)s or its option %(option)s is not supported for domain specific configurations.")


class NoOptions(Forbidden):
    template = _("The configuration names no options.")


class OtherOption(Forbidden):
    template = _("The request names other groups or options than its address does.")


def config(actor: RequestContext, domain_id: str, group: str | None = None, option: str | None = None) -> Values:
    """{group: {option: value}} as set. Raises: Forbidden, Missing, NoConfig, NotAnOption."""
    if group == "security_compliance":
        return _password_rules(actor, domain_id, option)
    enforce(actor, "identity:get_domain_config")
    DOMAINS.find(domain_id)
    _known(group, option)
    found = _stored(domain_id, group, option)
    if not found:
        raise NoConfig(domain_id=domain_id)
    return found


def _password_rules(actor: RequestContext, domain_id: str, option: str | None) -> Values:
    """The part of the rules for passwords that every user may read: the default domain's pattern, none by default."""
    enforce(actor, "identity:get_security_compliance_domain_config")
    rules = {
        "password_regex": settings.PASSWORD_REGEX or None,
        "password_regex_description": settings.PASSWORD_REGEX_DESCRIPTION or None,
    }
    if domain_id != "default" or (option is not None and option not in rules):
        raise NotAnOption(group="security_compliance", option=option or "")
    return {"security_compliance": rules if option is None else {option: rules[option]}}


def _stored(domain_id: str, group: str | None = None, option: str | None = None) -> Values:
    rows = DomainOption.objects.filter(domain_id=domain_id)
    rows = rows.filter(group=group) if group else rows
    rows = rows.filter(option=option) if option else rows
    found: Values = {}
    for row in rows.order_by("group", "option"):
        if (row.group, row.option) not in SECRET:
            found.setdefault(row.group, {})[row.option] = row.value
    return found


def _known(group: str | None, option: str | None) -> None:
    if group is not None and (group not in OPTIONS or (option is not None and option not in OPTIONS[group])):
        raise NotAnOption(group=group, option=option or "")


def _checked(new: Values, group: str | None, option: str | None) -> Values:
    """`new` as {group: {option: value}}, all known, and nothing but what the address names."""
    if option is not None and group is not None:
        new = {group: new}
    if not new:
        raise NoOptions()
    for name, options in new.items():
        if not isinstance(options, dict):
            raise Invalid(reason=_("%(name)s must hold options."), name=name)
        for one in options:
            _known(name, one)
            if (group is not None and name != group) or (option is not None and one != option):
                raise OtherOption()
        _known(name, None)
    return new


@transaction.atomic
def set_config(
    actor: RequestContext,
    domain_id: str,
    new: Values,
    *,
    group: str | None = None,
    option: str | None = None,
    replace: bool = False,
) -> tuple[Values, bool]:
    """Write options; `replace` drops all others. Returns (the whole configuration, whether there was none before)."""
    enforce(actor, "identity:create_domain_config" if replace else "identity:update_domain_config")
    domain = DOMAINS.find(domain_id)
    _known(group, option)
    new = _checked(new, group, option)
    fresh = not DomainOption.objects.filter(domain=domain).exists()
    if not replace and group is not None and not _rows(domain_id, group, option).exists():
        raise NoConfig(domain_id=domain_id)
    if not replace and fresh:
        raise NoConfig(domain_id=domain_id)
    if replace:
        DomainOption.objects.filter(domain=domain).delete()
    for name, options in new.items():
        for one, value in options.items():
            is_secret = (name, one) in SECRET and isinstance(value, str)
            sealed = encrypt(value, value_place(domain.pk, name, one)) if is_secret else value
            DomainOption.objects.update_or_create(domain=domain, group=name, option=one, defaults={"value": sealed})
    return _stored(domain_id), fresh


def _rows(domain_id: str, group: str | None, option: str | None) -> Any:
    rows = DomainOption.objects.filter(domain_id=domain_id)
    rows = rows.filter(group=group) if group else rows
    return rows.filter(option=option) if option else rows


@transaction.atomic
def drop_config(actor: RequestContext, domain_id: str, group: str | None = None, option: str | None = None) -> None:
    """Without a group all of it, were it nothing. Raises: Forbidden, Missing, NoConfig."""
    enforce(actor, "identity:delete_domain_config")
    DOMAINS.find(domain_id)
    _known(group, option)
    if not _rows(domain_id, group, option).delete()[0] and group is not None:
        raise NoConfig(domain_id=domain_id)


def default_config(actor: RequestContext, group: str | None = None, option: str | None = None) -> Values:
    """Return the defaults, of all, of one group, or {option: value}."""
    enforce(actor, "identity:get_domain_config_default")
    _known(group, option)
    if group is None:
        return OPTIONS
    return {group: OPTIONS[group]} if option is None else {option: OPTIONS[group][option]}
