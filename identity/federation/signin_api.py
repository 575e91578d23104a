"""OS-FEDERATION's sign-in: by a provider's bearer token, and by a browser for a dashboard (websso)."""

import secrets
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from common.errors import Invalid, Unauthorized
from identity import actors, tokens
from identity.assignments.effective import Scope
from identity.auth import auditing, receipts, services
from identity.auth.api import Tokens, with_receipt
from identity.federation import shadow, signin
from identity.models import Protocol
from identity.views import IdentityView
from identity.wire import PREFIX
from openstackapi.shapes import Media


class NoOrigin(Invalid):
    template = _("Request must have an origin query parameter")


class NotTrusted(Unauthorized):
    template = _("%(host)s is not a trusted dashboard host")


class NoProvider(Unauthorized):
    template = _("No enabled identity provider offers the protocol %(protocol)s to browsers.")


class ProtocolAuth(Tokens):
    """GET or POST /OS-FEDERATION/identity_providers/{provider}/protocols/{protocol}/auth: a token for a bearer token."""

    anonymous: ClassVar[bool] = True
    http_method_names: ClassVar[list[str]] = ["get", "post", "options"]  # type: ignore[misc]
    bodies = {}
    answers = dict.fromkeys(("get", "post"), Tokens.answers["post"])
    queries = dict.fromkeys(("get", "post"), Tokens.queries["post"])

    def post(self, request: Any, provider_id: str, protocol_id: str) -> Response:  # type: ignore[override]
        part = {"identity_provider": provider_id, "protocol": protocol_id}
        auth = {"identity": {"methods": [protocol_id], protocol_id: part}, "scope": "unscoped"}
        try:
            text, actor = services.sign_in(auth, request=request._request)
        except receipts.MethodsTooFew as error:
            return with_receipt(error)
        return self._answer(text, actor, 201)

    def get(self, request: object, provider_id: str, protocol_id: str) -> Response:  # type: ignore[override]
        return self.post(request, provider_id, protocol_id)


_PAGE = """<!DOCTYPE html>
<html><head><title>Signing in</title></head>
<body><form id="sso" name="sso" action="{host}" method="post">
<input type="hidden" name="token" value="{token}">
<noscript><button>Continue</button></noscript>
</form><script nonce="{nonce}">document.getElementById("sso").submit()</script></body></html>
"""


class WebSso(IdentityView):
    """GET or POST: begins a browser's sign-in for a trusted dashboard (`origin`), and ends it when it comes back."""

    anonymous = True
    answers = {method: {200: Media("text/html"), 302: None} for method in ("get", "post")}
    queries = {method: {"origin": str} for method in ("get", "post")}

    def get(self, request: Any, protocol_id: str, provider_id: str | None = None) -> Any:
        raw = request._request
        if signin.is_return(raw):
            return self._finish(raw)
        origin = _origin(raw.GET.get("origin", ""))
        provider_id = provider_id or _only_provider(protocol_id)
        callback = f"{PREFIX}/auth/OS-FEDERATION/identity_providers/{provider_id}/protocols/{protocol_id}/websso"
        answer = HttpResponse(status=302)
        answer["Location"] = signin.begin_websso(raw, provider_id, protocol_id, origin, callback=callback)
        return answer

    post = get

    def _finish(self, raw: Any) -> Any:
        """A page that posts a token to the dashboard, as Keystone's template does."""
        with auditing.signing_in(("mapped",)):
            done = signin.finish(raw)
            delegation = actors.Delegation(idp_id=done.provider_id, protocol_id=done.protocol_id)
            method = done.protocol_id if done.protocol_id in tokens.METHODS else "mapped"
            services.enough_methods(done.user.pk, (method,))
            text, actor = tokens.issue(done.user.pk, Scope(), (method,), delegation=delegation)
            auditing.signed_in(actor)
        nonce = secrets.token_urlsafe(16)
        page = format_html(_PAGE, host=done.next, token=text, nonce=nonce)
        answer = HttpResponse(page, content_type="text/html; charset=utf-8")
        answer["Cache-Control"] = "no-store"
        answer["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; form-action {_site(done.next)}"
        )
        return answer


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _origin(sent: str) -> str:
    """The address to which the token may be posted. Raises: NoOrigin, NotTrusted."""
    if not sent:
        raise NoOrigin()
    if sent not in settings.TRUSTED_DASHBOARDS:
        raise NotTrusted(host=sent)
    return sent


def _only_provider(protocol_id: str) -> str:
    """The provider of …/websso/{protocol}: the first enabled one with a client. Raises: NoProvider."""
    rows = Protocol.objects.filter(id=protocol_id, provider__enabled=True).exclude(provider__client=None)
    found = rows.order_by("provider_id").values_list("provider_id", flat=True).first()
    if found is None:
        raise NoProvider(protocol=protocol_id)
    return str(shadow.find_protocol(found, protocol_id).provider_id)
