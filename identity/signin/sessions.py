"""Portal sessions: the same user, scope and roles as a token's, held by Django's session instead of a header."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Forbidden
from common.prepared import PreparedMany
from identity import actors, personal
from identity.assignments import effective
from identity.assignments.effective import Scope
from identity.auth import auditing, passwords
from identity.models import Project, User
from identity.revocation import services as revocation
from identity.signin import steps
from identity.signin.store import ADDRESS, AGENT, OPENED
from identity.tokens import audit_id
from openstackapi.client import address_of

_BACKEND = "identity.backends.PasswordBackend"
_KIND, _ID, _AUDIT, _METHODS, _THROUGH = "scope_kind", "scope_id", "audit_id", "methods", "through"


class NoRoleThere(Forbidden):
    template = _("You have no role on this project.")


def sign_in(request: HttpRequest, username: str, password: str, domain: str = "Default") -> RequestContext:
    """Check the password and open a session, scoped to the user's default project or else the first they have.

    `domain` is a name or an id. Raises: Unauthorized, the same for an unknown user and a wrong password;
    steps.MoreNeeded when the user has a second factor, which `steps.pending` then tells about.
    """
    return prove(
        request, passwords.check(password, name=username, domain=domain, source=address_of(request)), "password"
    )


def prove(
    request: HttpRequest, user: User, method: str, scope: Scope | None = None, *, through: tuple[str, str] | None = None
) -> RequestContext:
    """Note that one more method is proven for the user by this browser: open the session when that is enough.

    `scope` is where to go on, if the user may; a session that goes on keeps its own. `through` is the identity provider
    and the protocol by which the user came. Raises: steps.MoreNeeded, NoFactor.
    """
    try:
        proven = steps.add(request, user, method, scope, through)
    except steps.MoreNeeded:
        auditing.pending(user, (method,))
        raise
    return _open(request, user, proven)


def _open(request: HttpRequest, user: User, proven: steps.Proven) -> RequestContext:
    session = request.session
    if auth.SESSION_KEY in session:
        session.cycle_key()  # Django makes a new key only for who was nobody
    auth.login(request, user, backend=_BACKEND)  # nothing of another user's session stays
    session[_THROUGH], session[_METHODS] = proven.through, list(proven.methods)
    wanted = proven.scope or (Scope(session[_KIND], session[_ID]) if _KIND in session else Scope())
    usable = wanted.kind and _usable(user.pk, wanted, _through(request))
    _remember(request, wanted if usable else _first_scope(user, provider_of(request)))
    session.setdefault(_AUDIT, audit_id())  # proving more changes nothing of what the session is called
    session[OPENED] = now().isoformat()
    session[ADDRESS] = address_of(request)
    session[AGENT] = request.META.get("HTTP_USER_AGENT", "")[:255]
    actor = actor_from_session(request) or _actor(request, user.pk)
    request.actor = actor  # type: ignore[attr-defined]
    auditing.signed_in(actor)
    return actor


def is_recent(request: HttpRequest) -> bool:
    """Whether the person of this session proved lately who they are."""
    opened = request.session.get(OPENED)
    young = timedelta(seconds=settings.SESSION_RECENT_SECONDS)
    return opened is not None and now() - datetime.fromisoformat(opened) <= young


def name_of(actor: RequestContext) -> str:
    """Return the name of the actor's portal session, as long as it lasts; "" for a caller with a token."""
    return actor.audit_ids[0] if actor.audit_ids and actor.issued_at is None else ""


def sign_out(request: HttpRequest) -> None:
    actor = actor_from_session(request)
    auth.logout(request)
    if actor is not None:
        auditing.signed_out(actor)


def _through(request: HttpRequest) -> actors.Delegation:
    """The identity provider and protocol by which the user of this session came, if any."""
    idp_id, protocol_id = request.session.get(_THROUGH) or (None, None)
    return actors.Delegation(idp_id=idp_id, protocol_id=protocol_id)


def provider_of(request: HttpRequest) -> str:
    return _through(request).idp_id or ""


def _usable(user_id: str, scope: Scope, through: actors.Delegation) -> bool:
    try:
        actors.build(user_id, scope, delegation=through)
    except actors.NoSuchActor:
        return False
    return True


def _remember(request: HttpRequest, scope: Scope) -> None:
    request.session[_KIND], request.session[_ID] = scope.kind, scope.id


def _first_scope(user: User, provider_id: str = "") -> Scope:
    mine = projects(user.pk, provider_id)
    ids = [project.id for project in mine]
    if user.default_project_id in ids:
        return Scope("project", user.default_project_id)
    if mine:
        return Scope("project", ids[0])
    domains = effective.domain_ids(user.pk, provider_id)
    return Scope("domain", min(domains)) if domains else Scope()


_enabled = PreparedMany(
    lambda ids: Project.objects.filter(pk__in=ids, enabled=True, domain__enabled=True).order_by("domain__name", "name")
)


def projects(user_id: str, provider_id: str = "") -> list[Project]:
    """List the enabled projects on which a user has a role, by name: the portal's switcher.

    `provider_id` is the identity provider by which the user came: groups that it gave count then.
    """
    return _enabled(effective.project_ids(user_id, provider_id))


_cache: dict[tuple[str, ...], tuple[revocation.Mark, RequestContext, tuple[str, ...]]] = {}


def actor_from_session(request: HttpRequest) -> RequestContext | None:
    """Return the signed-in caller, or None. Ends when the user, the password or the last role goes away."""
    session = request.session
    user_id = session.get(auth.SESSION_KEY)
    if user_id is None or session.get(auth.BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    parts = (auth.HASH_SESSION_KEY, _KIND, _ID, _AUDIT)
    key = (session.session_key or "", user_id, *(str(session.get(part, "")) for part in parts))
    mark = revocation.mark()
    known = _cache.get(key)
    if known is not None and revocation.is_current(known[0], known[2]):
        _cache[key] = (mark, *known[1:])
        return known[1]
    if not auth.get_user(request).is_authenticated:
        return None
    try:
        actor: RequestContext | None = _actor(request, user_id)
    except actors.NoSuchActor:
        actor = _elsewhere(request, user_id)
    if actor is None:
        return None
    if len(_cache) > 5000:
        _cache.clear()
    _cache[key] = (mark, actor, personal.facts_of(str(user_id)))
    return actor


def actor_of_request(request: HttpRequest) -> RequestContext | None:
    """As `actor_from_session`, and the session slides: somebody is there."""
    actor = actor_from_session(request)
    if actor is not None and hasattr(request.session, "slide"):
        request.session.slide()
    return actor


def _elsewhere(request: HttpRequest, user_id: str) -> RequestContext | None:
    """The scope of the session is gone: move to another one of the user's, or to none."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    try:
        _remember(request, _first_scope(user, provider_of(request)))
        return _actor(request, user_id)
    except actors.NoSuchActor:
        return None


def _actor(request: HttpRequest, user_id: str) -> RequestContext:
    scope = Scope(request.session.get(_KIND, ""), request.session.get(_ID, ""))
    audit = (request.session.get(_AUDIT, ""),)
    methods = tuple(request.session.get(_METHODS, ()))
    return actors.build(user_id, scope, delegation=_through(request), methods=methods, audit_ids=audit)


def switch_project(request: HttpRequest, project_id: str) -> RequestContext:
    """Move the session to another project. Raises: NoRoleThere."""
    return _switch(request, Scope("project", project_id))


def switch_domain(request: HttpRequest, domain_id: str) -> RequestContext:
    """Move the session to a domain. Raises: NoRoleThere."""
    return _switch(request, Scope("domain", domain_id))


def go_on_in(request: HttpRequest, scope: Scope) -> None:
    """Move the session to a scope if the user has a role there; else it stays where it is."""
    if scope.kind and _usable(request.session[auth.SESSION_KEY], scope, _through(request)):
        _remember(request, scope)


def _switch(request: HttpRequest, scope: Scope) -> RequestContext:
    user_id = request.session[auth.SESSION_KEY]
    if not _usable(user_id, scope, _through(request)):
        raise NoRoleThere()
    _remember(request, scope)
    actor = _actor(request, user_id)
    request.actor = actor  # type: ignore[attr-defined]
    return actor
