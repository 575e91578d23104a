"""OS-EP-FILTER: which projects see which endpoints."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from identity import catalog
from identity.catalogs.api import _with_address
from identity.catalogs.models import EndpointGroup, ProjectEndpoint
from identity.catalogs.services import ENDPOINT_GROUPS, ENDPOINTS
from identity.projects.services import PROJECTS
from identity.resource import Duplicate, Missing, Values, enforce
from identity.revocation import services as revocation
from identity.views import SELF, IdentityView, ItemView, ListView, collected, shown

BASE = "/OS-EP-FILTER"


class GroupList(ListView):
    resource = ENDPOINT_GROUPS


class GroupItem(ItemView):
    resource = ENDPOINT_GROUPS

    def head(self, request: object, id: str) -> Response:
        ENDPOINT_GROUPS.get(self.actor, id)
        return Response(status=200)


class _FilterView(IdentityView):
    def endpoints(self, rows: Any) -> Response:
        return self.collection("endpoints", [self.endpoint(row) for row in rows])

    def endpoint(self, row: Any) -> Values:
        return _with_address(self.linked(ENDPOINTS.render(row), f"/endpoints/{row.pk}"), self.root())

    def projects(self, rows: Any) -> Response:
        return self.collection("projects", [self.linked(PROJECTS.render(r), f"/projects/{r.pk}") for r in rows])


_ENDPOINTS = collected("endpoints", shown(ENDPOINTS))
_PROJECTS = collected("projects", shown(PROJECTS))


class ProjectEndpointItem(_FilterView):
    answers = {"put": {204: None}, "get": {204: None}}

    def put(self, request: object, project_id: str, endpoint_id: str) -> Response:
        enforce(self.actor, "identity:add_endpoint_to_project")
        project, endpoint = PROJECTS.find(project_id), ENDPOINTS.find(endpoint_id)
        with transaction.atomic():
            ProjectEndpoint.objects.get_or_create(project=project, endpoint=endpoint)
            revocation.touch()
        return Response(status=204)

    def get(self, request: object, project_id: str, endpoint_id: str) -> Response:
        enforce(self.actor, "identity:check_endpoint_in_project")
        self._row(project_id, endpoint_id)
        return Response(status=204)

    head = get

    def delete(self, request: object, project_id: str, endpoint_id: str) -> Response:
        enforce(self.actor, "identity:remove_endpoint_from_project")
        with transaction.atomic():
            self._row(project_id, endpoint_id).delete()
            revocation.touch()
        return Response(status=204)

    def _row(self, project_id: str, endpoint_id: str) -> ProjectEndpoint:
        PROJECTS.find(project_id), ENDPOINTS.find(endpoint_id)
        row = ProjectEndpoint.objects.filter(project_id=project_id, endpoint_id=endpoint_id).first()
        if row is None:
            raise Missing(kind=_("endpoint in this project"), id=endpoint_id)
        return row


class ProjectEndpoints(_FilterView):
    answers = {"get": {200: _ENDPOINTS}}

    def get(self, request: object, project_id: str) -> Response:
        enforce(self.actor, "identity:list_endpoints_for_project")
        PROJECTS.find(project_id)
        chosen = catalog.chosen_endpoints(project_id)
        return self.endpoints(ENDPOINTS.rows().filter(pk__in=chosen).order_by("id"))


class EndpointProjects(_FilterView):
    answers = {"get": {200: _PROJECTS}}

    def get(self, request: object, endpoint_id: str) -> Response:
        enforce(self.actor, "identity:list_projects_for_endpoint")
        ENDPOINTS.find(endpoint_id)
        chosen = ProjectEndpoint.objects.filter(endpoint_id=endpoint_id).values("project_id")
        return self.projects(PROJECTS.rows().filter(pk__in=chosen).order_by("id"))


class ProjectGroups(_FilterView):
    answers = {"get": {200: collected("endpoint_groups", shown(ENDPOINT_GROUPS))}}

    def get(self, request: object, project_id: str) -> Response:
        enforce(self.actor, "identity:list_endpoint_groups_for_project")
        PROJECTS.find(project_id)
        rows = EndpointGroup.objects.filter(projects=project_id).order_by("id")
        bodies = [self.linked(ENDPOINT_GROUPS.render(row), f"{BASE}/endpoint_groups/{row.pk}") for row in rows]
        return self.collection("endpoint_groups", bodies)


class GroupEndpoints(_FilterView):
    answers = {"get": {200: _ENDPOINTS}}

    def get(self, request: object, id: str) -> Response:
        enforce(self.actor, "identity:list_endpoints_associated_with_endpoint_group")
        return self.endpoints(catalog.matching(ENDPOINT_GROUPS.find(id).filters).order_by("id"))


class GroupProjects(_FilterView):
    answers = {"get": {200: _PROJECTS}}

    def get(self, request: object, id: str) -> Response:
        enforce(self.actor, "identity:list_projects_associated_with_endpoint_group")
        return self.projects(ENDPOINT_GROUPS.find(id).projects.order_by("id"))


class GroupProjectItem(_FilterView):
    answers = {
        "put": {204: None},
        "get": {200: {"project_endpoint_group": {"endpoint_group_id": str, "project_id": str, "links": SELF}}},
    }

    def put(self, request: object, id: str, project_id: str) -> Response:
        enforce(self.actor, "identity:add_endpoint_group_to_project")
        with transaction.atomic():
            group, project = ENDPOINT_GROUPS.find(id), PROJECTS.find(project_id)
            if group.projects.filter(pk=project.pk).exists():
                raise Duplicate(kind=_("endpoint group of this project"))
            group.projects.add(project)
            revocation.touch()
        return Response(status=204)

    def get(self, request: object, id: str, project_id: str) -> Response:
        enforce(self.actor, "identity:get_endpoint_group_in_project")
        self._check(id, project_id)
        body = {"endpoint_group_id": id, "project_id": project_id}
        return Response(
            {"project_endpoint_group": self.linked(body, f"{BASE}/endpoint_groups/{id}/projects/{project_id}")}
        )

    def head(self, request: object, id: str, project_id: str) -> Response:
        self.get(request, id, project_id)
        return Response(status=200)

    def delete(self, request: object, id: str, project_id: str) -> Response:
        enforce(self.actor, "identity:remove_endpoint_group_from_project")
        with transaction.atomic():
            projects: Any = self._check(id, project_id).projects  # takes ids too
            projects.remove(project_id)
            revocation.touch()
        return Response(status=204)

    def _check(self, id: str, project_id: str) -> EndpointGroup:
        group = ENDPOINT_GROUPS.find(id)
        PROJECTS.find(project_id)
        if not group.projects.filter(pk=project_id).exists():
            raise Missing(kind=_("endpoint group in this project"), id=id)
        return group
