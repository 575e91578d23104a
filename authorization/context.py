"""The context of a request: the person, the script or the cloud itself that makes it, and in which scope."""

from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller of a service, as the token or the portal session says.

    `roles` are names, implied ones included. Exactly one of `project_id`, `domain_id`, `system` is set for a scoped
    actor; none for an unscoped one.
    """

    user_id: str
    user_name: str = ""
    user_domain_id: str = ""
    user_domain_name: str = ""
    project_id: str | None = None
    project_name: str = ""
    project_domain_id: str = ""
    project_domain_name: str = ""
    domain_id: str | None = None
    domain_name: str = ""
    system: bool = False
    roles: frozenset[str] = frozenset()
    role_ids: frozenset[str] = frozenset()
    request_id: str = ""
    methods: tuple[str, ...] = ()
    audit_ids: tuple[str, ...] = ()
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    trust_id: str | None = None
    app_cred_id: str | None = None
    access_rules: tuple[tuple[str, str, str], ...] | None = None
    extra: dict[str, object] = field(default_factory=dict, hash=False, compare=False)

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_internal(self) -> bool:
        return self.user_id == ""

    def with_request(self, request_id: str) -> "RequestContext":
        return replace(self, request_id=request_id)

    @classmethod
    def internal(cls, reason: str, *, project_id: str | None = None, request_id: str = "") -> "RequestContext":
        """Return the cloud itself, for `reason` (shown as the user's name in timelines)."""
        return cls(
            user_id="",
            user_name=reason,
            project_id=project_id,
            roles=frozenset({"admin", "manager", "member", "reader", "service"}),
            request_id=request_id,
        )
