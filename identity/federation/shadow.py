"""From a mapped assertion to a user of ours: found or made, with groups, projects and roles as the rules say."""

import time
from collections.abc import Iterable
from urllib.parse import quote

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden, Unauthorized
from common.live import announce
from identity.assignments import services as assignments
from identity.assignments.models import UserProjectRole
from identity.federation.rules import Assertion, Body, Mapped, NotMapped, evaluate
from identity.ldap.ids import public_id
from identity.models import (
    Domain,
    FederatedUser,
    Group,
    IdentityProvider,
    MappedMembership,
    Project,
    Protocol,
    Role,
    User,
)
from identity.projects.services import PROJECTS
from identity.resource import Missing
from identity.revocation import services as revocation

EVERY = 20  # seconds


class ProviderDisabled(Forbidden):
    template = _("Identity Provider %(id)s is disabled")


class NoSuchProtocol(Unauthorized):
    template = _("There is no identity provider %(provider)s with a protocol %(protocol)s.")


class WrongIssuer(Forbidden):
    template = _("Incoming identity provider identifier not included among the accepted identifiers.")


class RoleElsewhere(Forbidden):
    template = _("The role %(role)s belongs to a domain and cannot be given by the identity provider %(provider)s.")


def find_protocol(provider_id: str, protocol_id: str) -> Protocol:
    """Find the protocol of an enabled provider. Raises: NoSuchProtocol, ProviderDisabled."""
    rows = Protocol.objects.select_related("provider", "mapping", "provider__domain")
    row = rows.filter(provider_id=provider_id, id=protocol_id).first()
    if row is None:
        raise NoSuchProtocol(provider=provider_id, protocol=protocol_id)
    if not row.provider.enabled or not row.provider.domain.enabled:
        raise ProviderDisabled(id=provider_id)
    return row


def user_of(protocol: Protocol, assertion: Assertion, issuer: str) -> User:
    """Return the user that a provider vouches for. An ephemeral user is made at the first sign-in and renewed at each later one.

    Raises: NotMapped, WrongIssuer, Missing (role), RoleElsewhere.
    """
    try:
        return _user_of(protocol, assertion, issuer)
    except IntegrityError:  # another request made the same user, project or membership a moment ago
        return _user_of(protocol, assertion, issuer)


@transaction.atomic
def _user_of(protocol: Protocol, assertion: Assertion, issuer: str) -> User:
    provider, mapping = protocol.provider, protocol.mapping
    accepted = set(provider.remote_ids.values_list("id", flat=True))
    if accepted and issuer not in accepted:
        raise WrongIssuer()
    mapped = evaluate(mapping.pk, mapping.rules, mapping.schema_version, assertion)
    if mapped.is_local:
        return _local(protocol, mapped)
    user = _ephemeral(protocol, mapped)
    _join(user, provider, _group_ids(mapping.pk, mapped))
    _give_projects(user, provider, mapped)
    return user


def _domain_id(named: Body | None, fallback: str) -> str:
    """The domain's id. Raises: Missing."""
    if not named:
        return fallback
    rows = Domain.objects.filter(pk=named["id"]) if "id" in named else Domain.objects.filter(name=named.get("name"))
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise Missing(kind="domain", id=named.get("id") or named.get("name"))
    return str(found)


def _local(protocol: Protocol, mapped: Mapped) -> User:
    """A user who is here already. Raises: NotMapped."""
    wanted = mapped.user
    rows = User.objects.select_related("domain").filter(enabled=True, domain__enabled=True)
    if wanted.get("id"):
        rows = rows.filter(pk=wanted["id"])
    elif wanted.get("name") and wanted.get("domain"):
        rows = rows.filter(name=wanted["name"], domain_id=_domain_id(wanted["domain"], ""))
    else:
        raise NotMapped(mapping=protocol.mapping_id, reason=_("a local user needs an id, or a name and a domain"))
    user = rows.first()
    if user is None:
        raise NotMapped(mapping=protocol.mapping_id, reason=_("there is no such enabled user here"))
    return user


def _ephemeral(protocol: Protocol, mapped: Mapped) -> User:
    wanted = mapped.user
    unique_id = wanted.get("id") or wanted.get("name")
    if not unique_id:
        raise NotMapped(mapping=protocol.mapping_id, reason=_("the rules give neither a user's name nor an id"))
    unique_id, name = quote(unique_id), wanted.get("name") or wanted["id"]
    domain_id = _domain_id(wanted.get("domain"), protocol.provider.domain_id)
    key = {"provider": protocol.provider, "protocol_id": protocol.id, "unique_id": unique_id}
    known = FederatedUser.objects.select_related("user", "user__domain").filter(**key).first()
    if known is None:
        user = _made(protocol, domain_id, unique_id, name)
        known = FederatedUser.objects.create(user=user, display_name=name, **key)
    _refresh(known, name, wanted.get("email"))
    if not known.user.enabled or not known.user.domain.enabled:
        raise NotMapped(mapping=protocol.mapping_id, reason=_("this user is disabled here"))
    return known.user


def _made(protocol: Protocol, domain_id: str, unique_id: str, name: str) -> User:
    """A new user; or the one whom the same provider knows through another of its protocols. Raises: NotMapped."""
    id = public_id(domain_id, "user", unique_id)
    known = User.objects.select_related("domain").filter(pk=id).first()
    if known is None:
        known = User.objects.create(pk=id, domain_id=domain_id, name=_free_name(name, domain_id, unique_id))
        announce("user", id)
    elif not FederatedUser.objects.filter(user=known, provider=protocol.provider).exists():
        raise NotMapped(
            mapping=protocol.mapping_id, reason=_("another source of users has this user in the same domain")
        )
    return known


def _free_name(name: str, domain_id: str, unique_id: str, besides: str = "") -> str:
    """`name`, or, when another user of the domain has it, one that says whose it is."""
    name = name.strip()[:255]
    taken = User.objects.filter(domain_id=domain_id, name=name).exclude(pk=besides).exists()
    return f"{name[:190]} ({public_id(domain_id, 'user', unique_id)[:8]})" if taken else name


def _refresh(known: FederatedUser, name: str, email: str | None) -> None:
    user = known.user
    if known.display_name != name:
        known.display_name = name
        known.save(update_fields=["display_name"])
        user.name = _free_name(name, user.domain_id, known.unique_id, besides=user.pk)
        user.save(update_fields=["name"])
        revocation.touch()
    if email and user.email != email:
        user.email = email[:255]
        user.save(update_fields=["email"])


# ── Groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _group_ids(mapping_id: str, mapped: Mapped) -> set[str]:
    """The groups of the rules. One named by an id must exist; one named by a name may be missing, as in Keystone."""
    found = set(Group.objects.filter(pk__in=mapped.group_ids).values_list("pk", flat=True))
    unknown = set(mapped.group_ids) - found
    if unknown:
        raise NotMapped(mapping=mapping_id, reason=_("there is no group %(group)s"), group=min(unknown))
    for named in mapped.groups:
        domain_id = _domain_id(named.get("domain"), "")
        found |= set(Group.objects.filter(name=named["name"], domain_id=domain_id).values_list("pk", flat=True))
    return found


def _join(user: User, provider: IdentityProvider, group_ids: set[str]) -> None:
    """The provider's groups of a user become these, at once for every token and session of theirs."""
    until = int(time.time()) + 60 * (provider.authorization_ttl or 0)
    mine = MappedMembership.objects.filter(user=user, provider=provider)
    before = set(mine.values_list("group_id", flat=True))
    mine.exclude(group_id__in=group_ids).delete()
    mine.update(until=until)
    MappedMembership.objects.bulk_create(
        MappedMembership(user=user, provider=provider, group_id=id, until=until) for id in sorted(group_ids - before)
    )
    if before == group_ids:  # until later: their own tokens and sessions are read anew
        revocation.note(user_id=user.pk)
    else:
        revocation.touch()


def end_due() -> None:
    """Have every process read roles anew when a membership has just ended (asked every EVERY seconds)."""
    moment = int(time.time())
    due = MappedMembership.objects.filter(until__gt=moment - 2 * EVERY, until__lte=moment)
    if due.filter(provider__authorization_ttl__gt=0).exists():
        revocation.touch()


def forget_old() -> int:
    """Drop memberships that count nowhere any more; what was cached with them is read anew. Returns how many."""
    old = int(time.time()) - settings.TOKEN_LIFETIME
    count, _kinds = MappedMembership.objects.filter(until__lt=old).delete()
    if count:
        revocation.touch()
    return count


# ── Projects ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _give_projects(user: User, provider: IdentityProvider, mapped: Mapped) -> None:
    """Projects that the rules name are made where missing; the user gets the roles there.

    Of schema version 3.0 on, the user's other roles on projects are taken away.
    """
    wanted = {name for project in mapped.projects for name in _role_names(project)}
    known: dict[str, Role] = {}  # a domain's own role of the same name comes second
    for row in Role.objects.filter(name__in=wanted).order_by("domain_id"):
        if row.name not in known or row.domain_id is None:
            known[row.name] = row
    for name in sorted(wanted):
        if name not in known:
            raise Missing(kind="role", id=name)
        if known[name].domain_id not in (None, user.domain_id):
            raise RoleElsewhere(role=name, provider=provider.pk)
    given: set[tuple[str, int]] = set()
    for one in mapped.projects:
        project_id = _project_id(one, provider)
        for name in _role_names(one):
            assignments.grant(known[name], on="project", object_id=project_id, subject_id=user.pk)
            given.add((project_id, known[name].permission_id))
    if float(mapped.version) >= 3:
        _take_others(user, given)


def _role_names(project: Body) -> Iterable[str]:
    return (role["name"] for role in project["roles"])


def _project_id(wanted: Body, provider: IdentityProvider) -> str:
    domain_id = _domain_id(wanted.get("domain"), provider.domain_id)
    found = Project.objects.plain().filter(name=wanted["name"], domain_id=domain_id).first()
    if found is None:
        actor = RequestContext.internal("identity provider")
        found = PROJECTS.create(actor, {"name": wanted["name"], "domain_id": domain_id})
    return str(found.pk)


def _take_others(user: User, given: set[tuple[str, int]]) -> None:
    rows = UserProjectRole.objects.filter(user=user, inherited=False)
    for row in rows:
        if (row.content_object_id, row.permission_id) not in given:
            role = Role.objects.get(permission_id=row.permission_id)
            assignments.revoke(role, on="project", object_id=row.content_object_id, subject_id=user.pk)
