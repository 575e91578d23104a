"""os-migrations and the migrations of one server."""

from typing import Any

from django.http import QueryDict

from common.errors import NotFound
from compute.servers import filters
from compute.servers.models import Migration
from compute.servers.schemas import obj
from compute.servers.services import find as find_server
from compute.views import ComputeView, Page, Response, refuse_unknown
from identity import policy
from openstackapi.fields import iso_micro


def _migration(row: Migration, version: tuple[int, int]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": row.id,
        "status": row.status,
        "instance_uuid": row.server_id,
        "source_compute": row.source,
        "source_node": row.source,
        "dest_compute": row.destination,
        "dest_node": row.destination,
        "dest_host": None,
        "old_instance_type_id": None,
        "new_instance_type_id": None,
        "created_at": iso_micro(row.created_at),
        "updated_at": iso_micro(row.updated_at),
    }
    if version >= (2, 23):
        out["migration_type"] = row.type
    if version >= (2, 59):
        out["uuid"] = row.uuid
    if version >= (2, 80):
        out |= {"user_id": row.user_id, "project_id": row.project_id}
    return out


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
_QUERY_SINCE = {
    **dict.fromkeys(_EXACT, (2, 1)),
    **{"hidden": (2, 1), "limit": (2, 59), "marker": (2, 59), "changes-since": (2, 59), "changes-before": (2, 66)},
    **{"user_id": (2, 80), "project_id": (2, 80)},
}


class Migrations(ComputeView):
    def _check_query(self, query: QueryDict) -> None:
        """Raises: Invalid for a parameter that the version does not know."""
        refuse_unknown(query, (name for name, since in _QUERY_SINCE.items() if self.version >= since))

    def get(self, request: Any) -> Response:
        policy.require(self.actor, "compute:migration")
        rows = Migration.objects.all()
        for name, column in _EXACT.items():
            if name in request.GET and self.version >= _QUERY_SINCE[name]:
                rows = rows.filter(**{column: request.GET[name]})
        if self.version < (2, 59):
            return Response({"migrations": [_migration(row, self.version) for row in rows.order_by("-id")]})
        self._check_query(request.GET)
        rows = rows.filter(filters.changed_between(request.GET, can_end=self.version >= (2, 66)))
        page = Page.from_request(request, default_sort=(("created_at", "desc"),))
        found = page.cut(list(page.apply(rows, id_column="uuid")))
        body: dict[str, Any] = {"migrations": [_migration(row, self.version) for row in found]}
        more = page.nova_links(request._request, body["migrations"], id_key="uuid")
        return Response({**body, "migrations_links": more} if more else body)


class ServerMigrations(ComputeView):
    """Live migrations in progress; none is ever, for servers here move by resize only."""

    since = (2, 23)

    def get(self, request: Any, server_id: str) -> Response:
        policy.require(self.actor, "compute:migration")
        find_server(self.actor, server_id)
        return Response({"migrations": []})


class MigrationNotFound(NotFound):
    template = "Migration %(id)s for server %(server)s could not be found."


class ServerMigration(ComputeView):
    """One live migration in progress: none ever is, see ServerMigrations."""

    since = (2, 23)

    def _missing(self, server_id: str, migration_id: str) -> MigrationNotFound:
        policy.require(self.actor, "compute:migration")
        find_server(self.actor, server_id)
        return MigrationNotFound(id=migration_id, server=server_id)

    def get(self, request: Any, server_id: str, migration_id: str) -> Response:
        raise self._missing(server_id, migration_id)

    def delete(self, request: Any, server_id: str, migration_id: str) -> Response:
        """Abort a migration, since 2.24."""
        if self.version < (2, 24):
            raise NotFound(what="The resource", id=request.path)
        raise self._missing(server_id, migration_id)


class ServerMigrationAction(ComputeView):
    """force_complete, since 2.22."""

    since = (2, 22)
    bodies = {"post": obj({"force_complete": {"type": "null"}}, ("force_complete",))}

    def post(self, request: Any, server_id: str, migration_id: str) -> Response:
        self.body()
        policy.require(self.actor, "compute:migration")
        find_server(self.actor, server_id)
        raise MigrationNotFound(id=migration_id, server=server_id)
