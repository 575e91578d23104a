"""Identity of a new cloud: the default domain, first projects and users, roles, region, catalog."""

import os
import secrets

from django.conf import settings
from django.db import transaction

from common import seeding
from common.clock import now
from identity import catalog
from identity.assignments import services as assignments
from identity.assignments.guards import has_administrator
from identity.models import Domain, ImpliedRole, Project, Role, System, User
from identity.revocation import services as revocation

ROLES = ("admin", "manager", "member", "reader", "service", "ResellerAdmin")
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
PROJECTS = {"admin": "The operators' project", "demo": "A project to try things in", "service": "The cloud's own parts"}


@transaction.atomic
def seed() -> str | None:
    """Make what is absent. Returns what it made in a few words, or None.

    Where nobody can act as administrator any more, the account admin can again: `make run` undoes what shut everybody out.
    """
    made = []
    domain, new = Domain.objects.get_or_create(
        pk="default", defaults={"name": "Default", "is_domain": True, "description": "The default domain"}
    )
    made += ["domain Default"] if new else []
    System.objects.get_or_create(pk="all")
    roles = {name: _role(name) for name in ROLES}
    for prior, implied in IMPLIED:
        ImpliedRole.objects.get_or_create(prior=roles[prior], implied=roles[implied])
    projects = {name: _project(domain, name, text) for name, text in PROJECTS.items()}
    for name in ("admin", "demo"):
        user, new = _user(domain, name, projects[name])
        made += [f"user {name}"] if new else []
        if new:
            _grant(roles, projects, user)
        elif name == "admin" and not has_administrator():
            _grant(roles, projects, user)
            User.objects.filter(pk=user.pk).update(enabled=True)
            Domain.objects.filter(pk=domain.pk).update(enabled=True)
            made.append("an administrator again: admin")
    added = catalog.seed()
    made += [f"{added} services"] if added else []
    if made:
        revocation.touch()
    return ", ".join(made) or None


def _role(name: str) -> Role:
    return Role.objects.filter(name=name, domain=None).first() or Role.objects.create(name=name)


def _project(domain: Domain, name: str, description: str) -> Project:
    row, _made = Project.objects.get_or_create(
        domain_id=domain.pk, name=name, defaults={"description": description, "parent_id": domain.pk}
    )
    return row


def _password(name: str) -> str:
    """A first password: from the environment where somebody seeds by hand, else from the cloud's own file `passwords` ("name: password" lines)."""
    path = settings.DATA / "passwords"
    if (given := os.environ.get(f"STACKLING_{name.upper()}_PASSWORD")) or not path.exists():
        return given or ""
    return dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line).get(name, "")


def _user(domain: Domain, name: str, project: Project) -> tuple[User, bool]:
    """The user, with the password that `make run` chose or was given; without one, a password nobody knows."""
    user = User.objects.filter(domain_id=domain.pk, name=name).first()
    if user is not None:
        return user, False
    user = User(domain_id=domain.pk, name=name, default_project_id=project.pk, password_changed_at=now())
    user.set_password(_password(name) or secrets.token_urlsafe(24))
    user.save()
    return user, True


def _grant(roles: dict[str, Role], projects: dict[str, Project], user: User) -> None:
    if user.name == "admin":
        assignments.grant(roles["admin"], on="project", object_id=projects["admin"].pk, subject_id=user.pk)
        assignments.grant(roles["admin"], on="domain", object_id="default", subject_id=user.pk)
        assignments.grant(roles["admin"], on="system", object_id="all", subject_id=user.pk)
    else:
        assignments.grant(roles["member"], on="project", object_id=projects["demo"].pk, subject_id=user.pk)


def register() -> None:
    seeding.register(10, "identity", seed)
