"""os-migrations and the migrations of one server."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import NotFound
from compute.servers.api import filters
from compute.servers.api.schemas import obj
from compute.servers.lifecycle.services import find as find_server
from compute.servers.models import Migration
from compute.views import ComputeView, Page, Response, refuse_unknown
from openstackapi.fields import Field, Fields, iso_micro
from openstackapi.shapes import LINKS, PAGE, Versioned
from openstackapi.versioned import Names, Span

MIGRATION = Fields(
    "migration",
    [
        Field("id", type="integer"),
        Field("status"),
        Field("instance_uuid", "server_id"),
        Field("source_compute", "source"),
        Field("source_node", "source"),
        Field("dest_compute", "destination"),
        Field("dest_node", "destination"),
        Field("dest_host", lambda row: None, null=True),
        Field("old_instance_type_id", lambda row: None, type="integer", null=True),
        Field("new_instance_type_id", lambda row: None, type="integer", null=True),
        Field("created_at", type="datetime"),
        Field("updated_at", type="datetime"),
        Field("migration_type", "type", since=(2, 23)),
        Field("uuid", since=(2, 59)),
        Field("user_id", since=(2, 80)),
        Field("project_id", since=(2, 80)),
    ],
    time=iso_micro,
)


#: Query name → column.
_EXACT = {
    "status": "status",
    "instance_uuid": "server_id",
    "migration_type": "type",
    "source_compute": "source",
    "host": "source",
    "user_id": "user_id",
    "project_id": "project_id",
}
#: Query parameters by the microversion that brought them; what is unknown is refused from 2.59 on.
_QUERY = Names(
    {
        **dict.fromkeys(_EXACT, (2, 1)),
        **{"hidden": (2, 1), "limit": (2, 59), "marker": (2, 59), "changes-since": (2, 59), "changes-before": (2, 66)},
        **{"user_id": (2, 80), "project_id": (2, 80)},
    }
)


def _fitting(query: QueryDict, known: Sequence[str]) -> QuerySet[Migration]:
    given = {column: query[name] for name, column in _EXACT.items() if name in query and name in known}
    return Migration.objects.filter(**given)


class Migrations(ComputeView):
    answers = {"get": {200: {"migrations": [MIGRATION], "migrations_links?": Versioned(LINKS, since=(2, 59))}}}
    queries = {"get": {**PAGE, **{name: Versioned(str, since) for name, since in _QUERY.since.items()}}}

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "os_compute_api:os-migrations:index")
        known = _QUERY.at(self.version)
        rows = _fitting(request.GET, known)
        if "marker" not in known:
            return self.answer_list("migrations", MIGRATION, rows.order_by("-id"))
        refuse_unknown(request.GET, known)
        rows = rows.filter(filters.changed_between(request.GET, can_end="changes-before" in known))
        page = Page.from_request(request, default_sort=(("created_at", "desc"),))
        found = page.read(rows, id_column="uuid")
        body: dict[str, Any] = {"migrations": MIGRATION.render_many(found, self.version)}
        more = page.nova_links(request._request, body["migrations"], id_key="uuid")
        return Response({**body, "migrations_links": more} if more else body)


class ServerMigrations(ComputeView):
    """Live migrations in progress; none is ever, for servers here move by resize only."""

    since = (2, 23)
    answers = {"get": {200: {"migrations": [MIGRATION]}}}

    def get(self, request: Any, server_id: str) -> Response:
        policy.require(self.actor, "os_compute_api:servers:migrations:index")
        find_server(self.actor, server_id)
        return Response({"migrations": []})


class MigrationNotFound(NotFound):
    template = _("Migration %(id)s for server %(server)s could not be found.")


class ServerMigration(ComputeView):
    """One live migration in progress: none ever is, see ServerMigrations."""

    since = (2, 23)
    versions = {"delete": Span(since=(2, 24))}
    answers = {"get": {}, "delete": {}}

    def _missing(self, server_id: str, migration_id: str, rule: str) -> MigrationNotFound:
        policy.require(self.actor, rule)
        find_server(self.actor, server_id)
        return MigrationNotFound(id=migration_id, server=server_id)

    def get(self, request: object, server_id: str, migration_id: str) -> Response:
        raise self._missing(server_id, migration_id, "os_compute_api:servers:migrations:show")

    def delete(self, request: object, server_id: str, migration_id: str) -> Response:
        """Abort a migration, since 2.24."""
        raise self._missing(server_id, migration_id, "os_compute_api:servers:migrations:delete")


class ServerMigrationAction(ComputeView):
    """force_complete, since 2.22."""

    since = (2, 22)
    bodies = {"post": obj({"force_complete": {"type": "null"}}, ("force_complete",))}
    answers = {"post": {}}

    def post(self, request: object, server_id: str, migration_id: str) -> Response:
        self.body()
        policy.require(self.actor, "os_compute_api:servers:migrations:force_complete")
        find_server(self.actor, server_id)
        raise MigrationNotFound(id=migration_id, server=server_id)
