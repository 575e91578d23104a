"""Servers on the wire: list, create, show, change, delete. Actions are in actions.py, what belongs to one in parts.py."""

from typing import Any

from authorization import policy
from compute.servers.api import fields, filters, reading, schemas
from compute.servers.api.requests import canonical, launch_of, launches_password
from compute.servers.create import services as creating
from compute.servers.lifecycle import deletion, services
from compute.servers.models import Server
from compute.views import ComputeView, Page, Response
from openstackapi.pagination import NOVA
from openstackapi.shapes import LINKS, PAGE, With
from openstackapi.versioned import ByVersion, Span


class ServerPage(ComputeView):
    """Base of the brief and the detailed list: filters, sorting, paging."""

    rule = "os_compute_api:servers:index"
    queries = {"get": {**PAGE, **dict.fromkeys(filters.KNOWN, str)}}

    def selected(self) -> tuple[Page, Any]:
        page = Page.from_request(
            self.request,
            sort_keys=filters.SORT_KEYS,
            default_sort=(("created_at", "desc"), ("id", "desc")),
            paging=NOVA,
        )
        return page, page.apply(filters.select(self.actor, self.request.GET, self.version, self.rule))


class ServerList(ServerPage):
    answers = {
        "get": {200: {"servers": [fields.BASIC], "servers_links?": LINKS}},
        "post": {202: {"server?": fields.CREATED, "reservation_id?": str}},
    }
    bodies = {"post": schemas.create((2, 96))}

    def get(self, request: Any) -> Response:
        page, query = self.selected()
        rows = [{"id": id, "name": name, "base": self.base} for id, name in query.values_list("id", "name")]
        return self.answer_list("servers", fields.BASIC, rows, page=page)

    def post(self, request: object) -> Response:
        data = self.body(schemas.create(self.body_version))
        launch = launch_of(data, self.version)
        servers = creating.create(self.actor, launch)
        if launches_password(data, "return_reservation_id"):
            return Response({"reservation_id": servers[0].reservation_id}, status=202)
        own = self.links("servers", servers[0].id)
        row = {"server": servers[0], "links": own, "launch": launch, "adminPass": data["server"].get("adminPass")}
        response = self.answer("server", fields.CREATED, row, status=202)
        response["Location"] = own[0]["href"]
        return response


#: PUT and rebuild answered fewer fields.
SHORT_ANSWERS = Span(until=(2, 74))
_HOST_STATUS = Span(since=(2, 16))


class ServerListDetail(ServerPage):
    rule = "os_compute_api:servers:detail"
    answers = {"get": {200: {"servers": [With(fields.SERVER, fields.SOMETIMES)], "servers_links?": LINKS}}}

    def get(self, request: Any) -> Response:
        page, query = self.selected()
        admin = policy.allows(self.actor, "os_compute_api:os-extended-server-attributes")
        hosts = policy.allows(self.actor, "os_compute_api:servers:show:host_status")
        rows = reading.rows(query, self.base, hosts=hosts and self.version in _HOST_STATUS, secrets=admin)
        shown = [fields.render(fields.SERVER, row, self.version, admin) for row in page.cut(rows)]
        body: dict[str, Any] = {"servers": shown}
        more = page.nova_links(request._request, shown)
        if more:
            body["servers_links"] = more
        return Response(body)


def shown(view: ComputeView, server_id: str, *, short: bool = False) -> dict[str, object]:
    """Build one server as this request sees it. `short`: as PUT and rebuild answered before 2.75."""
    admin = policy.allows(view.actor, "os_compute_api:os-extended-server-attributes")
    row = reading.one(server_id, view.base, admin=admin)
    if short:
        row["addresses"] = reading.plain(row["addresses"])
    out = fields.render(fields.SHORT if short else fields.SERVER, row, view.version, admin)
    return {**out, **fields.SINGLE.render(row, view.version, view.actor)}


#: A server in the answers of PUT and rebuild.
CHANGED = ByVersion({(2, 0): fields.SHOWN_SHORT, (2, 75): fields.SHOWN})


class ServerDetail(ComputeView):
    answers = {
        "get": {200: {"server": fields.SHOWN}},
        "put": {200: {"server": CHANGED}},
    }
    bodies = {"put": schemas.update((2, 96))}

    def get(self, request: object, server_id: str) -> Response:
        services.find(self.actor, server_id)
        return Response({"server": shown(self, server_id)})

    def put(self, request: object, server_id: str) -> Response:
        data = self.body(schemas.update(self.body_version))["server"]
        services.update(self.actor, server_id=server_id, **columns_of(data))
        return Response({"server": shown(self, server_id, short=self.version in SHORT_ANSWERS)})

    def delete(self, request: object, server_id: str) -> Response:
        deletion.delete(self.actor, server_id=server_id)
        return Response(status=204)


_COLUMNS = {
    "name": "name",
    "description": "description",
    "hostname": "hostname",
    "OS-DCF:diskConfig": "disk_config",
    "accessIPv4": "access_ip_v4",
    "accessIPv6": "access_ip_v6",
}


def columns_of(data: dict[str, Any]) -> dict[str, Any]:
    """Translate the body of a PUT: column → new value, in its canonical form."""
    columns = {column: data[name] for name, column in _COLUMNS.items() if name in data}
    if "name" in columns:
        columns["name"] = columns["name"].strip()
    for name in ("access_ip_v4", "access_ip_v6"):
        if columns.get(name):
            columns[name] = canonical(columns[name])
    return columns


def exists(view: ComputeView, server_id: str) -> Server:
    return services.find(view.actor, server_id)
