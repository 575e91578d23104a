"""API access: where the services are, and the files that clients read."""

import yaml
from django.http import HttpRequest, HttpResponse

from authorization.context import RequestContext
from identity import catalog
from identity.catalogs.models import Endpoint
from openstackapi import links
from portal.ui.pages import Page


def auth_url(request: HttpRequest) -> str:
    return f"{links.root(request)}/api/identity/v3"


def region(request: HttpRequest) -> str:
    """Return the region that the reader chose in the bar."""
    found: str = request.prefs.region  # type: ignore[attr-defined]
    return found


def clouds_yaml(request: HttpRequest, actor: RequestContext) -> str:
    """Return a clouds.yaml for the session's user and project; the password is left for `OS_PASSWORD` or secure.yaml."""
    auth: dict[str, object] = {
        "auth_url": auth_url(request),
        "username": actor.user_name,
        "user_domain_name": actor.user_domain_name,
        "project_name": actor.project_name,
        "project_domain_name": actor.project_domain_name,
    }
    cloud = {"auth": auth, "region_name": region(request), "identity_api_version": 3, "interface": "public"}
    return yaml.safe_dump({"clouds": {actor.project_name or "stackling": cloud}}, sort_keys=False, allow_unicode=True)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def openrc(request: HttpRequest, actor: RequestContext) -> str:
    lines = {
        "OS_AUTH_URL": auth_url(request),
        "OS_USERNAME": actor.user_name,
        "OS_USER_DOMAIN_NAME": actor.user_domain_name,
        "OS_PROJECT_NAME": actor.project_name,
        "OS_PROJECT_DOMAIN_NAME": actor.project_domain_name,
        "OS_REGION_NAME": region(request),
        "OS_IDENTITY_API_VERSION": "3",
        "OS_INTERFACE": "public",
    }
    text = "".join(f"export {name}={_quoted(value)}\n" for name, value in lines.items())
    ask = f'printf "Password of %s: " {_quoted(actor.user_name)}; read -rs OS_PASSWORD; echo; export OS_PASSWORD\n'
    return "# Source this: . openrc.sh\n" + text + ask


class ApiAccess(Page):
    panel = "api-access"

    def get(self, request: HttpRequest) -> HttpResponse:
        base = links.root(request)
        rows = (
            Endpoint.objects.filter(interface="public", region_id=region(request))
            .select_related("service")
            .order_by("service__type")
        )
        known = {"public_url": base, "project_id": self.actor.project_id, "tenant_id": self.actor.project_id}
        services = [(row.service.type, row.service.name, catalog.url_for(row.url, known) or row.url) for row in rows]
        context = {"services": services, "auth_url": auth_url(request), "clouds": clouds_yaml(request, self.actor)}
        return self.page("access/api_access.html", **context)


class File(Page):
    """clouds.yaml and openrc as downloads."""

    panel = "api-access"
    name = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = (clouds_yaml if self.name == "clouds.yaml" else openrc)(request, self.actor)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.name}"'
        return response
