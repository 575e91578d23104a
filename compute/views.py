"""Base of all compute views: versions, queries, bodies."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotFound
from common.truth import truth
from openstackapi.versioned import Span
from openstackapi.views import Page, ProjectInPath, Response

__all__ = ["ComputeView", "Page", "Response"]

PREFIX = "/api/compute"
OLDER = (2, 0)


class ItemNotFound(NotFound):
    """An object that the URL or the body names does not exist; `reason` is Nova's own sentence."""

    formerly = ("Missing",)
    template = _("%(reason)s")


#: (version from which others are refused, names of the parameters that a query may have).
Known = tuple[tuple[int, int], frozenset[str]]


class ComputeView(ProjectInPath):
    """`known`: by method, as Nova's query schemas have it; older versions leave aside what they do not know.

    `parameters`: which versions have a parameter, where not all do.
    """

    service = "compute"
    known: ClassVar[dict[str, Known]] = {}
    parameters: ClassVar[Mapping[str, Span]] = {}

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        if self.is_older:  # 2.0 knows no microversions: the headers mean nothing
            for name in ("HTTP_OPENSTACK_API_VERSION", "HTTP_X_OPENSTACK_NOVA_API_VERSION"):
                request._request.META.pop(name, None)
        super().initial(request, *args, **kwargs)
        since, names = self.known.get(request.method.lower(), (self.version, None))
        if names is not None and self.version >= since:
            refuse_unknown(request.GET, names)

    def asks(self, method: str) -> Iterable[str]:
        names = self.known[method][1] if method in self.known else ()
        return [name for name in names if name not in self.parameters or self.version in self.parameters[name]]

    def parameter(self, name: str) -> str | None:
        """Read a parameter of the query; None where it is not given, or the version does not have it."""
        there = self.version in self.parameters[name]
        return self.request.GET.get(name) if there else None

    @property
    def is_older(self) -> bool:
        """Whether this came by 2.0, which forgives what 2.1 refuses."""
        return bool(self.request.path.startswith(f"{PREFIX}/v2/"))

    @property
    def body_version(self) -> tuple[int, int]:
        """The version whose schema a body is checked against: (2, 0) where 2.0 was asked."""
        return OLDER if self.is_older else self.version

    @property
    def base(self) -> str:
        """``http://host:port/api/compute``."""
        return self.root() + PREFIX

    def links(self, kind: str, id: str) -> list[dict[str, str]]:
        """Nova's pair: self with the version in it, bookmark without."""
        return [
            {"rel": "self", "href": f"{self.base}/v2.1/{kind}/{id}"},
            {"rel": "bookmark", "href": f"{self.base}/{kind}/{id}"},
        ]


def refuse_unknown(query: Iterable[str], names: Iterable[str]) -> None:
    """Refuse unknown parameters of a query. Raises: Invalid for parameters of a query that are none of `names`."""
    unknown = sorted(set(query) - set(names))
    if unknown:
        raise Invalid(reason=_("Additional query parameters are not allowed: %(names)s."), names=", ".join(unknown))


def flag(value: object, name: str) -> bool:
    """Read a boolean as clients write it in a query. Raises: Invalid."""
    said = truth(value)
    if said is None:
        raise Invalid(
            reason=_("Invalid input for query parameters %(name)s. Value: %(value)s. It is not a boolean."),
            name=name,
            value=value,
        )
    return said
