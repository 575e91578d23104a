"""The base of every API view: who asks, in which version, what came in, how it goes out."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authorization.context import RequestContext
from common.errors import Invalid, NotFound
from openstackapi import auth, bodies, links, microversion, render
from openstackapi.fields import Fields, Row, Schema
from openstackapi.pagination import Page
from openstackapi.shapes import Answers
from openstackapi.versioned import Span

__all__ = ["Page", "ProjectInPath", "Response", "ServiceView"]
_ALWAYS = Span()
DELETED: Answers = {204: None}


class ServiceRequest(Request):
    """DRF's request, with who asks: `initial` sets it."""

    actor: RequestContext


class ServiceView(APIView):
    """One route of one service.

    Class attributes:

    `service`    "identity" | "image" | "network" | "compute" | "placement" | …
    `anonymous`  True for version documents and sign-in
    `since`, `until`  microversions in which the route exists; outside them it is 404
    `versions`   {"put": Span}: the same of one method
    `bodies`     {"post": JSON Schema}: what `self.body()` checks and OpenAPI shows
    `answers`    {"get": {200: shape}}: what it answers, by status (openstackapi.shapes); a DELETE that says nothing answers 204
    `media`      {"put": {media type: JSON Schema}}: bodies that are not plain JSON
    `queries`    {"get": {name: shape}}: what may be asked for
    `unlisted`   methods that OpenAPI leaves out, for they only say that they are gone
    """

    service: ClassVar[str] = ""
    anonymous: ClassVar[bool] = False
    since: ClassVar[tuple[int, int] | None] = None
    until: ClassVar[tuple[int, int] | None] = None
    versions: ClassVar[Mapping[str, Span]] = {}
    bodies: ClassVar[dict[str, Schema]] = {}
    answers: ClassVar[Mapping[str, Answers]] = {}
    media: ClassVar[dict[str, dict[str, Schema]]] = {}
    queries: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    unlisted: ClassVar[frozenset[str]] = frozenset()
    request: ServiceRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):  # the wire speaks English whatever the browser prefers
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        raw: Any = request._request
        raw.microversion = self.version = microversion.NONE
        raw.actor = None
        self.format_kwarg = None
        renderer = render.for_answer(self.service, raw)
        request.accepted_renderer, request.accepted_media_type = renderer, renderer.media_type
        raw.microversion = self.version = microversion.read(self.service, raw)
        bodies.refuse_nul(raw)
        if not self.anonymous:
            raw.actor = auth.authenticate(raw)
        span = self.versions.get(request.method.lower(), _ALWAYS)
        if self.version not in Span(self.since, self.until) or self.version not in span:
            raise NotFound(what=_("The resource"), id=raw.path)

    @classmethod
    def answers_to(cls, method: str) -> Answers:
        """Give what `answers` says of a method, in the class or the nearest above it. Raises: LookupError where none does."""
        found = (one.__dict__.get("answers", {}).get(method) for one in cls.__mro__)
        said = next((answers for answers in found if answers is not None), DELETED if method == "delete" else None)
        if said is None:
            raise LookupError(f"{cls.__name__} does not say what it answers to {method}")
        return said

    def asks(self, method: str) -> Iterable[str]:
        """Name the parameters of a method's query that are declared by other means than `queries`, in this version."""
        return ()

    @property
    def actor(self) -> RequestContext:
        return self.request.actor

    def body(self, schema: Schema | None = None) -> Any:
        """Return the request's JSON, checked against `schema` (or `bodies[method]`).

        Raises: Invalid, TooLarge.
        """
        raw: Any = self.request._request
        data = bodies.parse(raw)
        schema = schema if schema is not None else self.bodies.get((raw.method or "").lower())
        if schema is not None:
            bodies.validate(data if data is not None else {}, schema)
        return data

    def answer(self, key: str, fields: Fields, row: Row, status: int = 200) -> Response:
        """``{"<key>": {…}}``."""
        return Response({key: fields.render(row, self.version, self.request.actor)}, status=status)

    def answer_list(
        self, key: str, fields: Fields, rows: Iterable[Row], page: Page | None = None, links_key: str | None = None
    ) -> Response:
        """``{"<key>": […], "<key>_links": […]}``; the links only when a page is full."""
        rows = list(rows)
        if page is not None:
            rows = page.cut(rows)
        shown = fields.render_many(rows, self.version, self.request.actor)
        body: dict[str, object] = {key: shown}
        if page is not None:
            more = page.nova_links(self.request._request, shown)
            if more:
                body[links_key or f"{key}_links"] = more
        return Response(body)

    def root(self) -> str:
        return links.root(self.request._request)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(request, "accepted_renderer"):
            request.accepted_renderer, request.accepted_media_type = render.JSONRenderer(), render.JSON
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.pop("Allow", None) if response.status_code != 405 else None
        for name, value in microversion.headers(self.service, getattr(self, "version", (0, 0))).items():
            response.headers[name] = value
        return response


class WrongProjectInPath(Invalid):
    template = _("Malformed request URL: URL's project_id '%(path)s' doesn't match Context's project_id '%(own)s'")


class ProjectInPath(ServiceView):
    """A view of a service whose routes have a second spelling, as Nova's and Cinder's: the project's id before them."""

    project_in_path: str | None = None

    def dispatch(self, request: HttpRequest, *args: Any, project_in_path: str | None = None, **kwargs: Any) -> Any:
        self.project_in_path = project_in_path
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        own = self.actor.project_id if self.project_in_path else None
        if self.project_in_path and self.project_in_path != own:
            raise WrongProjectInPath(path=self.project_in_path, own=own or "")
