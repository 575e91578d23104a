"""Base of all views of the volume service."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet

from common.truth import truth
from openstackapi.fields import Fields, Row
from openstackapi.pagination import BadMarker, Paging
from openstackapi.views import Page, ProjectInPath, Response

__all__ = ["PAGING", "Page", "Response", "VolumeView"]

M = TypeVar("M", bound=Model)
PREFIX = "/api/volume"
PAGING = Paging(no_marker=lambda marker: BadMarker(marker=marker))


class VolumeView(ProjectInPath):
    """A route of the volume service."""

    service = "volume"

    @property
    def base(self) -> str:
        """``http://host:port/api/volume``."""
        return self.root() + PREFIX

    def links(self, kind: str, id: str) -> list[dict[str, str]]:
        """Cinder's pair: self with the version in it, bookmark without."""
        project = f"{self.project_in_path}/" if self.project_in_path else ""
        return [
            {"rel": "self", "href": f"{self.base}/v3/{project}{kind}/{id}"},
            {"rel": "bookmark", "href": f"{self.base}/{project}{kind}/{id}"},
        ]

    def of_all_projects(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Leave rows of the actor's own project, unless an operator asks for all (`all_tenants=1`), or for one (`project_id`)."""
        query = self.request.GET
        if not self.actor.is_admin or not truth(query.get("all_tenants", "")):
            return rows.filter(project_id=self.actor.project_id or "")
        project = query.get("project_id") or query.get("tenant_id")
        return rows.filter(project_id=project) if project else rows

    def page_of(self, key: str, fields: Fields, rows: Sequence[Row], page: Page) -> Response:
        """``{"<key>": […], "<key>_links": […]}``."""
        shown = fields.render_many(rows, self.version, self.actor)
        body: dict[str, object] = {key: shown}
        if more := page.nova_links(self.request._request, shown):
            body[f"{key}_links"] = more
        return Response(body)
