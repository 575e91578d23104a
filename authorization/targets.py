"""The two sides of a policy check: the caller's credentials, and the target as names and values."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypedDict

from authorization import share_levels
from authorization.context import RequestContext

#: A target as a check sees it.
Aim = dict[str, object]


class Owned(Protocol):
    """A row of a project. Its `user_id`, `domain_id` and `id` count too where it has them."""

    @property
    def project_id(self) -> str | None: ...


#: None is the caller's own project, a text is a project's id, a mapping is taken as it is.
Target = Mapping[str, object] | str | Owned | None


class Credentials(TypedDict):
    """Names by which rules know the caller: oslo.policy's."""

    user_id: str
    user_domain_id: str
    project_id: str | None
    tenant_id: str | None
    project_domain_id: str | None
    domain_id: str | None
    system_scope: str | None
    roles: list[str]
    is_admin: bool
    is_admin_project: bool
    trust_id: str | None
    token: dict[str, object]


def credentials(actor: RequestContext) -> Credentials:
    """Return the caller, as oslo.policy's checks see one."""
    return {
        "user_id": actor.user_id,
        "user_domain_id": actor.user_domain_id,
        "project_id": actor.project_id,
        "tenant_id": actor.project_id,
        "project_domain_id": actor.project_domain_id or None,
        "domain_id": actor.domain_id,
        "system_scope": "all" if actor.system else None,
        "roles": list(actor.roles),
        "is_admin": actor.is_admin,
        "is_admin_project": True,
        "trust_id": actor.trust_id,
        "token": _token(actor),
    }


def _token(actor: RequestContext) -> dict[str, object]:
    token: dict[str, object] = {"user": {"id": actor.user_id, "domain": {"id": actor.user_domain_id}}}
    if actor.domain_id:
        token["domain"] = {"id": actor.domain_id}
    if actor.project_id:
        token["project"] = {"id": actor.project_id, "domain": {"id": actor.project_domain_id}}
    return token


def aim(actor: RequestContext, target: Target) -> Aim:
    """Return a target as names and values. A row that is shared with the caller gives the level too, for `share:<level>`."""
    if isinstance(target, Mapping):
        # a project of None would equal that of a token without a project
        return {name: value for name, value in target.items() if name != "project_id" or value is not None}
    if target is None:
        return {"project_id": actor.project_id} if actor.project_id else {}
    if isinstance(target, str):
        return {"project_id": target}
    found: Aim = {"project_id": target.project_id} if target.project_id is not None else {}
    for name in ("user_id", "domain_id", "id"):
        if hasattr(target, name):
            found[name] = getattr(target, name)
    level = _share_level(actor, target) if actor.extra.get("shares") else None
    return {**found, share_levels.TARGET: level} if level else found


def without_share(aim: Aim) -> Aim:
    return {name: value for name, value in aim.items() if name != share_levels.TARGET}


ShareLevel = Callable[[RequestContext, object], str | None]


def _not_shared(actor: RequestContext, target: object) -> str | None:
    return None


_share_level: ShareLevel = _not_shared


def use_share_level(level_on: ShareLevel) -> None:
    """Have `level_on(actor, row)` say at which level a row is shared with the caller, None when it is not."""
    global _share_level
    _share_level = level_on
