"""How a route describes itself in OpenAPI 3.1. A module of its own: DRF's views import it while they load."""

from typing import Any

from drf_spectacular.openapi import AutoSchema


class ServiceSchema(AutoSchema):
    """Request and response schemas as the views declare them (`bodies`, `answers`)."""

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "service", "") or "other"]

    def get_operation_id(self) -> str:
        words = [part.strip("{}<>") for part in self.path.split("/") if part and part != "api"]
        return "_".join([self.method.lower(), *words]).replace("-", "_").replace(".", "_")

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [] if getattr(self.view, "anonymous", False) else [{"token": []}]

    def get_request_serializer(self) -> Any:
        return None

    def get_response_serializers(self) -> Any:
        return None

    def _get_request_body(self, direction: str = "request") -> Any:
        schema = getattr(self.view, "bodies", {}).get(self.method.lower())
        if schema is None and self.method not in ("POST", "PUT", "PATCH"):
            return None
        return {
            "content": {"application/json": {"schema": schema or {"type": "object"}}},
            "required": schema is not None,
        }

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        schema = getattr(self.view, "answers", {}).get(self.method.lower(), {"type": "object"})
        good = {"description": "The answer.", "content": {"application/json": {"schema": schema}}}
        bad = {"description": "A sentence that says what, why and what next."}
        return {"2XX": good, "4XX": bad, "5XX": bad}
