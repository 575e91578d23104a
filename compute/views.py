"""What every compute view shares."""

from typing import Any

from common.errors import Invalid
from openstackapi.views import Page, Response, ServiceView

__all__ = ["ComputeView", "Page", "Response"]

PREFIX = "/api/compute"


class ComputeView(ServiceView):
    service = "compute"

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        if request.path.startswith(f"{PREFIX}/v2/"):  # 2.0 knows no microversions: the headers mean nothing
            for name in ("HTTP_OPENSTACK_API_VERSION", "HTTP_X_OPENSTACK_NOVA_API_VERSION"):
                request._request.META.pop(name, None)
        super().initial(request, *args, **kwargs)

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


def flag(value: Any, name: str) -> bool:
    """A boolean as clients write it in a query. Raises: Invalid."""
    text = str(value).strip().lower()
    if text in ("1", "t", "true", "on", "y", "yes"):
        return True
    if text in ("0", "f", "false", "off", "n", "no"):
        return False
    raise Invalid(reason=f"Invalid input for query parameters {name}. Value: {value}. It is not a boolean.")
