"""Description of a route in OpenAPI 3.1, out of what its view declares. A module of its own: DRF's views import it while they load."""

from functools import cached_property
from typing import Any

from drf_spectacular.openapi import AutoSchema

from openstackapi import microversion
from openstackapi.components import fault
from openstackapi.fields import Schema
from openstackapi.shapes import AnyOf, Json, Media, json_schema, present

JSON = "application/json"
OLDER = "/api/compute/v2/"
REQUEST_ID = {"X-Openstack-Request-Id": {"$ref": "#/components/headers/request_id"}}
_TITLES = {
    200: "The answer.",
    201: "Made.",
    202: "Accepted; the work goes on.",
    204: "Done; there is nothing to say.",
    206: "The part that was asked for.",
    300: "Several versions.",
    302: "Elsewhere, as Location says.",
    401: "Not proven who asks, or not by enough.",
}
_VERBS = {"GET": "Show", "POST": "Create or act on", "PUT": "Set", "PATCH": "Change", "DELETE": "Delete"}


class ServiceSchema(AutoSchema):
    """Request and response schemas of one operation."""

    view: Any  # a ServiceView

    @cached_property
    def _version(self) -> tuple[int, int]:
        known = microversion.range_of(self.view.service)
        if known is None:
            return microversion.NONE
        if self.path.startswith(OLDER):  # the older version knows no microversions
            return known.minimum
        until = self.view.until
        return min(until, known.maximum) if until else known.maximum

    def get_operation(self, path: str, *args: Any, **kwargs: Any) -> Any:
        self.path = path
        self.__dict__.pop("_version", None)
        self.view.version = self._version
        return super().get_operation(path, *args, **kwargs)

    # ── What it is called ───────────────────────────────────────────────────────────────────────────────────────────

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "service", "") or "other"]

    def get_operation_id(self) -> str:
        words = [part.strip("{}<>") for part in self.path.split("/") if part and part != "api"]
        return "_".join([self.method.lower(), *words]).replace("-", "_").replace(".", "_")

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [] if self.view.anonymous else [{"token": []}]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular asks without arguments
        """Return the method's own words, or the class's; none are inherited."""
        method = getattr(type(self.view), self.method.lower())
        own = type(self.view).__dict__.get("__doc__") or ""
        return "\n".join(line.strip() for line in (method.__doc__ or own).strip().splitlines())

    def get_summary(self) -> str:
        """Return one line: the verb, and what the path's words name."""
        parts = [part for part in self.path.split("/")[3:] if part]
        words = [part for part in parts if not part.startswith("{") and part[:2] not in ("v2", "v3")]
        if not words:
            return "Show the versions" if len(parts) < 2 else "Show this version"
        what = words[-1].replace("_", " ").replace("-", " ").removeprefix("os ")
        one = bool(parts) and parts[-1].startswith("{")
        if self.method == "GET" and not one:
            return f"List or show {what}"
        of = f" of {words[-2].replace('_', ' ').replace('-', ' ')}" if len(words) > 1 else ""
        return f"{_VERBS[self.method]} {'one of ' if one else ''}{what}{of}"

    # ── What may be sent ────────────────────────────────────────────────────────────────────────────────────────────

    def get_request_serializer(self) -> None:
        return None

    def get_response_serializers(self) -> None:
        return None

    def _get_parameters(self) -> list[Schema]:
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        found: list[Schema] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"The {name.replace('_', ' ')}.",
                "schema": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
            }
            for name in names
        ]
        method = self.method.lower()
        asked = {**dict.fromkeys(self.view.asks(method), str), **self.view.queries.get(method, {})}
        queries = {str(name): json_schema(shape) for name, shape in present(asked, self._version)}
        found += [{"name": name, "in": "query", "schema": schema} for name, schema in sorted(queries.items())]
        return [*found, *self._microversion()]

    def _microversion(self) -> list[Schema]:
        service = self.view.service
        known = microversion.range_of(service)
        if known is None or self.path.startswith(OLDER):
            return []
        latest = microversion.text_of(self._version)
        first, last = microversion.text_of(known.minimum), microversion.text_of(known.maximum)
        return [
            {
                "name": "OpenStack-API-Version",
                "in": "header",
                "description": f"The microversion, {first} to {last}; {first} if absent. Described here as of {latest}.",
                "schema": {"type": "string", "pattern": rf"^{service} (latest|[0-9]+\.[0-9]+)$"},
                "example": f"{service} {latest}",
            }
        ]

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        media = self.view.media.get(self.method.lower())
        if media is not None:
            return {"content": {name: {"schema": schema} for name, schema in media.items()}, "required": True}
        schema = self.view.bodies.get(self.method.lower())
        if schema is None:
            return None
        return {"content": {JSON: {"schema": plain(schema)}}, "required": True}

    # ── What comes back ─────────────────────────────────────────────────────────────────────────────────────────────

    def _get_response_bodies(self, direction: str = "response") -> Schema:
        answers = present(self.view.answers_to(self.method.lower()), self._version)
        responses = {str(status): self._response(status, shape) for status, shape in sorted(answers)}
        shared = {"$ref": f"#/components/responses/{self.view.service}_fault"}
        return {**responses, "4XX": shared, "5XX": shared}

    def _response(self, status: int, shape: object) -> Schema:
        said: Schema = {"description": _TITLES.get(status, "The answer."), "headers": REQUEST_ID}
        if isinstance(shape, AnyOf) and None in shape.shapes:  # OpenAPI has no word for a content that may be absent
            said |= {"description": f"{said['description']} Some kinds have no body.", "x-body": "optional"}
            left = [one for one in shape.shapes if one is not None]
            shape = AnyOf(*left) if len(left) > 1 else left[0]
        if status >= 400:  # a refusal of the view's own stands beside the one that every route has
            shape = AnyOf(shape, Json(fault(self.view.service)["content"][JSON]["schema"]))
        if isinstance(shape, Media):
            return {**said, "content": {shape.type: {"schema": {}}}}
        return (
            said if shape is None else {**said, "content": {JSON: {"schema": plain(json_schema(shape, self._version))}}}
        )


def plain(schema: Any) -> Any:
    """Return a schema as JSON Schema 2020-12 says it: tuples of `items` are `prefixItems`; texts are plain."""
    if isinstance(schema, dict):
        out = {str(name): plain(value) for name, value in schema.items()}
        if isinstance(out.get("items"), list):
            out["prefixItems"] = out.pop("items")
        return out
    if isinstance(schema, (list, tuple, set, frozenset)):
        return [plain(value) for value in schema]
    return schema if schema is None or isinstance(schema, (str, int, float, bool)) else str(schema)


def routes(endpoints: list[Any]) -> list[Any]:
    """List each route once: a slash at the end, ``.json`` or Nova's project id in front is another spelling of the same."""
    found: dict[tuple[str, str], object] = {}
    for path, regex, method, callback in endpoints:
        if (
            not hasattr(callback.cls, "service")
            or "{project_in_path}" in path
            or method.lower() in callback.cls.unlisted
        ):
            continue
        one = path.replace("(?:\\.json)?", "").rstrip("?/") or "/"
        if one.count("/") == 2:  # the root of a service, which has its slash
            one += "/"
        found.setdefault((one, method), (one, regex, method, callback))
    return list(found.values())
