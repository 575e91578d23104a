"""Projects, users, groups, roles and who has them, domains, credentials."""

from collections.abc import Mapping
from typing import Any

from identity.assignments import grants
from identity.domains.services import DOMAINS
from identity.resource import Resource
from identity.roles.services import implied_by
from identity.users.services import USERS
from portal.identity.appcreds import own_roles
from portal.showas.entries import Entry, Typed, each, edit, family, of_kind, once, rows_of
from portal.showas.kinds import NEVER, SAME, TAKE_OUT, UNKNOWN_THERE, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing, secret
from portal.ui.calls import Call

ID = Arg("id", cli="<>")
NAME = Arg("name", cli="<>", tf=SAME)
DESCRIPTION = Arg("description", cli="--description", tf=SAME, filled=True)
DOMAIN = Arg("domain_id", cli="--domain", tf=SAME)
ENABLED = Arg("enabled", cli="--enable|--disable", sdk="is_enabled", tf=SAME)
LOCK = Arg(
    "options", cli="--enable-lock-password|--disable-lock-password", wire=lambda locks: {"lock_password": locks or None}
)


#: The client's options of a list for what is enabled, and what is not.
LISTED = {"project": "--enabled|--disabled", "user": "--enabled|--disabled"}


def _family(
    path: str, noun: str, args: tuple[Arg, ...], change: tuple[Arg, ...], tf: str = "", source: bool = True
) -> Value:
    """Make the kinds of a thing of the identity service."""
    enabled = [Arg("enabled", cli=LISTED.get(noun, NEVER), sdk="is_enabled", asks="enabled")] if ENABLED in args else []
    asks = [Arg("name", cli="--name" if noun == "domain" else NEVER, asks="name"), *enabled]
    return family(
        "identity", f"/{path}", noun, noun, noun, args, change=change, tf=tf, source=source, method="PATCH", asks=asks
    )


PROJECT = _family(
    "projects",
    "project",
    (NAME, DESCRIPTION, DOMAIN, ENABLED),
    (NAME, DESCRIPTION, ENABLED),
    "openstack_identity_project_v3",
)
_PERSON = (
    NAME,
    DESCRIPTION,
    Arg("email", cli="--email", filled=True),
    Arg("default_project_id", cli="--project", tf=SAME),
)
PASSWORD = Arg("password", cli="--password", tf=SAME)
USER = _family(
    "users",
    "user",
    (*_PERSON, DOMAIN, PASSWORD, ENABLED, LOCK),
    (*_PERSON, PASSWORD, ENABLED, LOCK),
    "openstack_identity_user_v3",
)
GROUP = _family("groups", "group", (NAME, DESCRIPTION, DOMAIN), (NAME, DESCRIPTION), "openstack_identity_group_v3")
ROLE = _family(
    "roles", "role", (NAME, Arg("description", cli="--description", filled=True), DOMAIN), (NAME, Arg("description", cli="--description", filled=True)),
    "openstack_identity_role_v3",
)  # fmt: skip
DOMAIN_KINDS = _family("domains", "domain", (NAME, DESCRIPTION, ENABLED), (NAME, DESCRIPTION, ENABLED))


def _member(name: str, method: str, cli: str, sdk: str, tf: Value) -> Kind:
    """Make the kind by which a user comes into a group, or leaves it."""
    return Kind(
        name=f"group.{name}-user", service="identity", method=method, path="/groups/{id}/users/{user}", cli=cli, sdk=sdk, tf=tf,
        args=(Arg("id", cli="<>", sdk="group", tf="group_id"), Arg("user", cli="<>", sdk="user", tf="user_id")),
    )  # fmt: skip


ADD_USER = _member(
    "add", "PUT", "group add user", "add_user_to_group", Terraform("openstack_identity_user_membership_v3")
)
REMOVE_USER = _member("remove", "DELETE", "group remove user", "remove_user_from_group", TAKE_OUT)


def _grant(give: bool, on: str, subject: str) -> Kind:
    """Make the kind by which a role is given on a project or domain to a user or group, or taken."""
    word, has = ("assign", "to") if give else ("unassign", "from")
    return Kind(
        name=f"role.{word}-{on}-{subject}", service="identity", method="PUT" if give else "DELETE",
        path=f"/{on}s/{{on}}/{subject}s/{{subject}}/roles/{{role}}", cli="role add" if give else "role remove",
        sdk=f"{word}_{on}_role_{has}_{subject}", tf=Terraform("openstack_identity_role_assignment_v3") if give else TAKE_OUT,
        args=(
            Arg("on", cli=f"--{on}", tf=f"{on}_id"), Arg("subject", cli=f"--{subject}", tf=f"{subject}_id"),
            Arg("role", cli="<>", tf="role_id"),
        ),
    )  # fmt: skip


GIVE = {f"{on} {subject}": _grant(True, on, subject) for on in ("project", "domain") for subject in ("user", "group")}
TAKE = {f"{on} {subject}": _grant(False, on, subject) for on in ("project", "domain") for subject in ("user", "group")}
IMPLY = Kind(
    name="role.imply", service="identity", method="PUT", path="/roles/{id}/implies/{implied}", cli="implied role create", tf=UNKNOWN_THERE,
    args=(ID, Arg("implied", cli="--implied-role")),
)  # fmt: skip
UNIMPLY = Kind(
    name="role.unimply", service="identity", method="DELETE", path="/roles/{id}/implies/{implied}", cli="implied role delete",
    tf=UNKNOWN_THERE, args=(ID, Arg("implied", cli="--implied-role")),
)  # fmt: skip
_CREDS = "/users/{user}/application_credentials"
APPCRED = Kind(
    name="appcred.create", service="identity", method="POST", path=_CREDS, wrap="application_credential", cli="application credential create",
    sdk="create_application_credential", gives="application_credential", tf=Terraform("openstack_identity_application_credential_v3"),
    args=(
        Arg("user"),
        NAME,
        DESCRIPTION,
        Arg("secret", cli="--secret", tf=SAME),
        Arg("roles", cli="--role {id}"),
        Arg("role_names", tf="roles", wire=None),
        Arg("expires_at", cli="--expiration", tf=SAME),
        Arg("unrestricted", cli="--unrestricted|--restricted", tf=SAME),
        Arg("access_rules", cli="--access-rules <file>", tf="access_rules{}"),
    ),
)  # fmt: skip
APPCRED_GONE = Kind(
    name="appcred.delete", service="identity", method="DELETE", path=_CREDS + "/{id}", cli="application credential delete",
    sdk="delete_application_credential", args=(Arg("user"), ID), tf=TAKE_OUT,
)  # fmt: skip
APPCREDS = Kind(
    name="appcred.list", service="identity", method="GET", path=_CREDS, cli="application credential list", sdk="application_credentials",
    args=(Arg("user"),), tf=UNKNOWN_THERE,
)  # fmt: skip
#: What people paste is a secret, and stays a place.
CREDENTIAL = family(
    "identity", "/credentials", "credential", "credential", "credential", method="PATCH",
    args=(
        Arg("type", cli="--type"), Arg("project_id", cli="--project"), Arg("user_id", cli="<>"), Arg("blob", cli="<>"),
    ),
    #: The client asks for all of it each time, and changes no project.
    change=(
        Arg("type", cli="--type"), Arg("project_id", cli=NEVER), Arg("user_id", cli="--user"), Arg("blob"), Arg("data", cli="--data", wire=None),
    ),
)  # fmt: skip


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def given(on: str, subject: str, place: str, wanted: Mapping[str, Value], held: Mapping[str, Value]) -> list[Use]:
    """Return the roles that come and those that go. `wanted` and `held`: id of a user or group → its role ids."""
    found = []
    for who in sorted({*wanted, *held}):
        want, have = set(wanted.get(who, ())), set(held.get(who, ()))
        for kind, ids in ((GIVE, want - have), (TAKE, have - want)):
            found += [Use(kind[f"{on} {subject}"], {"on": place, "subject": who, "role": id}) for id in sorted(ids)]
    return found


def holders(on: str, subject: str) -> Entry:
    def uses(call: Call, typed: Typed) -> list[Use]:
        held = grants.given(call.actor, on=on, object_id=call.id, subject=subject)
        return given(on, subject, call.id, typed.get("holders") or {}, held)

    return Entry(uses=uses)


def project(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a project, and the roles that are given on it."""
    row = Use(PROJECT.create, of_kind(PROJECT.create, typed))
    people = given("project", "user", row.made, typed.get("members") or {}, {})
    return [row, *people, *given("project", "group", row.made, typed.get("groups") or {}, {})]


def user(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a user, and the role on the primary project."""
    locks = True if typed.get("lock_password") else None
    row = Use(USER.create, {**of_kind(USER.create, typed), "options": locks})
    role, place = typed.get("role"), typed.get("default_project_id")
    return [row, *given("project", "user", place, {row.made: {role}}, {})] if role and place else [row]


def edit_user(call: Call, typed: Typed) -> list[Use]:
    new = typed.edited
    values = of_kind(USER.update, new) | {"options": new.get("lock_password")}
    values["default_project_id"] = values.get("default_project_id") or None
    return [Use(USER.update, {"id": call.id, **values})]


def members(kind: Kind) -> Entry:
    return Entry(
        uses=lambda call, typed: [
            Use(kind, {"id": call.id, "user": id}) for id in typed.get("users") or [missing("user")]
        ]
    )


def implied(call: Call, typed: Typed) -> list[Use]:
    have, want = {row.pk for row in implied_by(call.actor, call.id)[1]}, set(typed.get("roles") or ())
    found = [Use(UNIMPLY, {"id": call.id, "implied": id}) for id in sorted(have - want)]
    return found + [Use(IMPLY, {"id": call.id, "implied": id}) for id in sorted(want - have)]


def enabling(kind: Kind, things: Resource[Any]) -> Entry:
    """Enable or disable: one to its other state, several to what the address says."""

    def uses(call: Call, typed: Typed) -> list[Use]:
        if "to" in call.keys:
            return [Use(kind, {"id": id, "enabled": call.keys["to"] == "enable"}) for id in call.ids]
        return [Use(kind, {"id": call.id, "enabled": not things.get(call.actor, call.id).enabled})]

    return Entry(uses=uses)


# ── Credentials ─────────────────────────────────────────────────────────────────────────────────────────────────────


def appcred(call: Call, typed: Typed) -> list[Use]:
    chosen = typed.get("roles") or ()
    names = [row.name for row in own_roles(call.actor) if row.pk in chosen]
    expires = typed.get("expires")
    values: dict[str, Value] = {
        "user": call.actor.user_id, "name": typed["name"], "description": typed.get("description"),
        "secret": secret("secret") if typed.get("secret") else None, "roles": [{"id": id} for id in chosen], "role_names": names,
        "expires_at": expires.astimezone().strftime("%Y-%m-%dT%H:%M:%S") if expires else None,
        "unrestricted": typed.get("unrestricted") or None, "access_rules": typed.get("access_rules"),
    }  # fmt: skip
    return [Use(APPCRED, values)]


def own(kind: Kind) -> Entry:
    return Entry(uses=lambda call, typed: [Use(kind, {"user": call.actor.user_id, "id": id}) for id in call.ids])


def credential(call: Call, typed: Typed) -> list[Use]:
    values = {
        **of_kind(CREDENTIAL.create, typed),
        "user_id": typed.get("user_id", call.actor.user_id),
        "blob": secret("blob"),
    }
    return [Use(CREDENTIAL.create, values)]


def edit_credential(call: Call, typed: Typed) -> list[Use]:
    new = typed.edited
    values: dict[str, Value] = {"type": typed["type"], "user_id": typed["user_id"], "data": secret("blob")}
    values |= {"project_id": new.get("project_id") or None, "blob": secret("blob") if new.get("blob") else None}
    return [Use(CREDENTIAL.update, {"id": call.id, **values})]


_CREDENTIAL = {
    "credentials": once(CREDENTIAL.list),
    "credentials-delete": each(CREDENTIAL.delete),
    "credential-create": Entry(uses=credential),
    "credential-edit": Entry(uses=edit_credential),
    "credential-delete": each(CREDENTIAL.delete),
}
ENTRIES: dict[str, Entry] = {
    **rows_of(PROJECT, "projects project"),
    "project-create": Entry(uses=project),
    "project-members": holders("project", "user"),
    "project-groups": holders("project", "group"),
    "domain-members": holders("domain", "user"),
    "domain-groups": holders("domain", "group"),
    **rows_of(USER, "users user"),
    "user-create": Entry(uses=user),
    "user-edit": Entry(uses=edit_user),
    "user-password": edit(USER.update),
    "user-switch": enabling(USER.update, USERS),
    "users-switch": enabling(USER.update, USERS),
    **rows_of(GROUP, "groups group"),
    "group-add": members(ADD_USER),
    "group-remove": members(REMOVE_USER),
    "group-user": Entry(uses=lambda call, typed: [Use(REMOVE_USER, dict(call.keys))]),
    **rows_of(ROLE, "roles role"),
    "role-implied": Entry(uses=implied),
    **rows_of(DOMAIN_KINDS, "domains domain"),
    "domain-switch": enabling(DOMAIN_KINDS.update, DOMAINS),
    "domains-switch": enabling(DOMAIN_KINDS.update, DOMAINS),
    "application-credentials": Entry(uses=lambda call, typed: [Use(APPCREDS, {"user": call.actor.user_id})]),
    "application-credential-create": Entry(uses=appcred),
    "application-credential-delete": own(APPCRED_GONE),
    "application-credentials-delete": own(APPCRED_GONE),
    **_CREDENTIAL,
    **{f"own-{route}": entry for route, entry in _CREDENTIAL.items()},
}
