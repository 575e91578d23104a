"""Projects, their place in the tree, their tags."""

from typing import Any

from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from common.errors import Invalid
from identity.assignments import effective
from identity.projects import services
from identity.projects.fields import TAG, TAGS
from identity.projects.services import PROJECTS
from identity.resource import Missing, Values
from identity.views import SELF, IdentityView, ListView, OwnerItemView, shown
from openstackapi import bodies
from openstackapi.shapes import AnyOf, With

_TAGS_BODY = {"type": "object", "properties": {"tags": TAGS}, "required": ["tags"], "additionalProperties": False}


class ProjectList(ListView):
    resource = PROJECTS


#: Projects above or below, or their ids in each other.
_AROUND = AnyOf([{"project": shown(PROJECTS)}], dict, None)
_TAGGED = {"tags": [str], "links": {**SELF, "next": None, "previous": None}}


class ProjectItem(OwnerItemView):
    resource = PROJECTS
    answers = {"get": {200: {"project": With(shown(PROJECTS), {"parents?": _AROUND, "subtree?": _AROUND})}}}
    queries = {
        **OwnerItemView.queries,
        "get": dict.fromkeys(("parents_as_list", "parents_as_ids", "subtree_as_list", "subtree_as_ids"), str),
    }

    def get(self, request: object, id: str) -> Response:
        row = PROJECTS.get(self.actor, id)
        return Response({"project": {**self.show(row), **self._around(row)}})

    def _around(self, row: Any) -> Values:
        """The parents and the subtree, if asked for; as lists only those on which the caller has a role.

        Raises: Invalid.
        """
        asked = self.request._request.GET
        for part in ("parents", "subtree"):
            if {f"{part}_as_list", f"{part}_as_ids"} <= asked.keys():
                raise Invalid(
                    reason=_("Cannot use %(part)s_as_list and %(part)s_as_ids query params at the same time."),
                    part=part,
                )
        mine = (
            effective.project_ids(self.actor.user_id) if {"parents_as_list", "subtree_as_list"} & asked.keys() else ()
        )
        found: Values = {}
        if "parents_as_list" in asked:
            found["parents"] = [{"project": self.show(above)} for above in services.parents(row) if above.pk in mine]
        elif "parents_as_ids" in asked:
            found["parents"] = _chain_of_ids(services.parents(row))
        if "subtree_as_list" in asked:
            found["subtree"] = [{"project": self.show(below)} for below in services.subtree(row) if below.pk in mine]
        elif "subtree_as_ids" in asked:
            found["subtree"] = _tree_of_ids(row.pk, services.subtree(row))
        return found


def _chain_of_ids(parents: list[Any]) -> Values | None:
    chain: Values | None = None
    for above in reversed(parents):
        chain = {above.pk: chain}
    return chain


def _tree_of_ids(root: str, rows: list[Any]) -> Values | None:
    below: dict[str, list[str]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row.pk)

    def tree(id: str) -> Values | None:
        return {child: tree(child) for child in below[id]} if id in below else None

    return tree(root)


class ProjectTags(IdentityView):
    bodies = {"put": _TAGS_BODY}
    answers = {"get": {200: _TAGGED}, "put": {200: _TAGGED}}

    def get(self, request: object, project_id: str) -> Response:
        row = services.for_tags(self.actor, "list_project_tags", project_id)
        return self._answer(project_id, sorted(row.tags.values_list("name", flat=True)))

    def put(self, request: object, project_id: str) -> Response:
        tags = self.body()["tags"]
        return self._answer(project_id, services.retag(self.actor, project_id, tags))

    def delete(self, request: object, project_id: str) -> Response:
        services.retag(self.actor, project_id, [], "delete_project_tags")
        return Response(status=204)

    def _answer(self, project_id: str, tags: list[str]) -> Response:
        return Response(
            {"tags": tags, "links": {"next": None, "self": self.url(f"/projects/{project_id}/tags"), "previous": None}}
        )


class ProjectTag(IdentityView):
    answers = {"get": {204: None}, "put": {201: None}}

    def get(self, request: object, project_id: str, tag: str) -> Response:
        row = services.for_tags(self.actor, "get_project_tag", project_id)
        if not row.tags.filter(name=tag).exists():
            raise Missing(kind=_("project tag"), id=tag)
        return Response(status=204)

    head = get

    def put(self, request: object, project_id: str, tag: str) -> Response:
        row = services.for_tags(self.actor, "create_project_tag", project_id)
        tags = [*row.tags.values_list("name", flat=True), tag]
        bodies.validate({"tags": tags}, _TAGS_BODY)
        bodies.validate(tag, TAG)
        services.retag(self.actor, project_id, tags, "create_project_tag")
        response = Response(status=201)
        response["Location"] = iri_to_uri(self.url(f"/projects/{project_id}/tags/{tag}"))
        return response

    def delete(self, request: object, project_id: str, tag: str) -> Response:
        row = services.for_tags(self.actor, "delete_project_tag", project_id)
        if not row.tags.filter(name=tag).delete()[0]:
            raise Missing(kind=_("project tag"), id=tag)
        return Response(status=204)
