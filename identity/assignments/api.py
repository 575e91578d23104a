"""Grants on projects, domains and the system, inherited ones too, and the list of all assignments."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from authorization.context import RequestContext
from common.errors import Invalid
from identity.assignments import grants, guards, listing, services
from identity.assignments.listing import Assignment, Filter
from identity.assignments.names import Names
from identity.models import Project
from identity.projects.services import PROJECTS, subtree
from identity.resource import Values, enforce
from identity.roles.services import ROLES
from identity.views import IdentityView, collected, shown
from identity.wire import truth


class GrantView(IdentityView):
    """Base of the grants' routes. The route gives `on`, `subject` and `inherited`."""

    on = ""
    subject = ""
    inherited = False

    def allow(self, verb: str, keys: dict[str, str]) -> Values:
        """Return the parts of the address, found, if the actor may. Raises: Forbidden, Missing."""
        return grants.parties(self.actor, verb, self.on, self.subject, keys)

    def where(self, keys: dict[str, str]) -> Values:
        object_id = "all" if self.on == "system" else keys[self.on]
        return {
            "on": self.on,
            "object_id": object_id,
            "subject": self.subject,
            "subject_id": keys[self.subject],
            "inherited": self.inherited,
        }


class GrantList(GrantView):
    answers = {"get": {200: collected("roles", shown(ROLES))}}

    def get(self, request: object, **keys: str) -> Response:
        self.allow("list", keys)
        rows = services.roles_given(**self.where(keys))
        return self.collection("roles", [self.linked(ROLES.render(row), f"/roles/{row.pk}") for row in rows])


class GrantItem(GrantView):
    answers = {"put": {204: None}, "get": {204: None}}

    def put(self, request: object, **keys: str) -> Response:
        found = self.allow("create", keys)
        services.grant(found["role"], **self.where(keys))
        return Response(status=204)

    def get(self, request: object, **keys: str) -> Response:
        found = self.allow("check", keys)
        services.check(found["role"], **self.where(keys))
        return Response(status=204)

    head = get

    def delete(self, request: object, **keys: str) -> Response:
        found = self.allow("revoke", keys)
        with guards.stays_without(found["role"]):
            services.revoke(found["role"], **self.where(keys))
        return Response(status=204)


class TwoAtOnce(Invalid):
    template = _("Specify %(one)s or %(other)s, not both.")


class AlwaysEmpty(Invalid):
    template = _("Combining effective and the filters given will always result in an empty list.")


class SubtreeNeedsProject(Invalid):
    template = _("scope.project.id must be specified if include_subtree is also specified.")


_NOT_BOTH = (
    ("scope.domain.id", "scope.project.id"),
    ("scope.domain.id", "scope.system"),
    ("scope.project.id", "scope.system"),
    ("user.id", "group.id"),
)


_ASKED = (
    *("user.id", "group.id", "role.id", "scope.project.id", "scope.domain.id", "scope.system"),
    *("scope.OS-INHERIT:inherited_to", "effective", "include_names", "include_subtree"),
)
#: A thing by its id, and by its name and domain where `include_names` asks for them.
_NAMED = {"id": str, "name?": str, "domain?": {"id": str, "name": str}}
_ASSIGNMENT = {
    "role": _NAMED,
    "user?": _NAMED,
    "group?": _NAMED,
    "scope": {"project?": _NAMED, "domain?": _NAMED, "system?": {"all": bool}, "OS-INHERIT:inherited_to?": str},
    "links": {"assignment": str, "membership?": str, "prior_role?": str},
}


class AssignmentList(IdentityView):
    answers = {"get": {200: collected("role_assignments", _ASSIGNMENT)}}
    queries = {"get": dict.fromkeys(_ASKED, str)}

    def get(self, request: Any) -> Response:
        query = request._request.GET
        tree = "include_subtree" in query and truth(query["include_subtree"])
        self._allow(self.actor, query, tree)
        for one, other in _NOT_BOTH:
            if query.get(one) and query.get(other):
                raise TwoAtOnce(one=one, other=other)
        found = self._found(query, tree)
        names = Names(found) if "include_names" in query and truth(query["include_names"]) else None
        return self.collection("role_assignments", [self._show(one, names) for one in self._mine(found)])

    def _allow(self, actor: RequestContext, query: Any, tree: bool) -> None:
        if not tree:
            target: dict[str, str | None] = {"target.domain_id": actor.domain_id} if actor.domain_id else {}
            enforce(actor, "identity:list_role_assignments", target)
            return
        project = Project.objects.filter(pk=query.get("scope.project.id")).first()
        target = {"target.domain_id": project.domain_id} if project is not None else {}
        enforce(actor, "identity:list_role_assignments_for_tree", target)
        if not query.get("scope.project.id"):
            raise SubtreeNeedsProject()

    def _found(self, query: Any, tree: bool) -> list[Assignment]:
        project_id = query.get("scope.project.id")
        project_ids = None
        if project_id:
            below = subtree(PROJECTS.find(project_id)) if tree else []
            project_ids = frozenset([project_id, *(row.pk for row in below)])
        inherited = None
        if "scope.OS-INHERIT:inherited_to" in query:
            inherited = query["scope.OS-INHERIT:inherited_to"] == "projects"
        only = Filter(
            user_id=query.get("user.id"),
            group_id=query.get("group.id"),
            role_id=query.get("role.id"),
            project_ids=project_ids,
            domain_id=query.get("scope.domain.id"),
            system=bool(query.get("scope.system")),
            inherited=inherited,
        )
        if "effective" not in query or not truth(query["effective"]):
            return list(listing.rows(only))
        if only.group_id or (inherited and only.domain_id):
            raise AlwaysEmpty()
        return listing.effective(only)

    def _mine(self, found: list[Assignment]) -> list[Assignment]:
        """A domain-scoped caller sees what lies in that domain."""
        domain_id = self.actor.domain_id
        if domain_id is None:
            return found
        inside = set(Project.objects.filter(domain_id=domain_id).values_list("id", flat=True)) | {domain_id}
        return [one for one in found if one.on != "system" and one.object_id in inside]

    def _show(self, one: Assignment, names: Names | None) -> Values:
        scope: Values
        if one.on == "system":
            scope, path = {"system": {"all": True}}, "/system"
        else:
            scope = {one.on: names.object(one) if names else {"id": one.object_id}}
            kind, id = one.via or (one.on, one.object_id)
            path = f"/{kind}s/{id}"
        links: Values = {}
        if one.via_group:
            links["membership"] = self.url(f"/groups/{one.via_group}/users/{one.subject_id}")
            path += f"/groups/{one.via_group}"
        else:
            path += f"/{one.subject}s/{one.subject_id}"
        path += f"/roles/{one.via_role or one.role_id}"
        if one.follows_inheritance:
            scope["OS-INHERIT:inherited_to"] = "projects"
            path = f"/OS-INHERIT{path}/inherited_to_projects"
        links["assignment"] = self.url(path)
        if one.via_role:
            links["prior_role"] = self.url(f"/prior_role/{one.via_role}/implies/{one.role_id}")
        who = names.subject(one) if names else {"id": one.subject_id}
        role = names.role(one) if names else {"id": one.role_id}
        return {"links": links, "scope": scope, one.subject: who, "role": role}
