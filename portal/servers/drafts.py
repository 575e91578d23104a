"""What is kept of launches that are not asked for yet: the half-filled one, templates, and pieces of user data."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import CloudError
from compute.drafts import services as drafts
from compute.drafts.models import SNIPPET, TEMPLATE, Draft
from portal.servers.launch import Launch
from portal.servers.launch_spec import form_of
from portal.ui.calls import to
from portal.ui.dialogs import Delete
from portal.ui.menus import Verb
from portal.ui.pages import Page


class Half(Page):
    """POST: keep the form as it is now. The page sends it by itself while somebody types."""

    panel = "instances"

    def post(self, request: HttpRequest) -> HttpResponse:
        drafts.keep(self.actor, form_of(request.POST))
        return self.done()


class Templates(Launch):
    """POST: save the form as a template under `template_name`."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.go(reverse("launch"))

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("template_name", "").strip()
        try:
            made = drafts.save(self.actor, TEMPLATE, name, form_of(request.POST))
        except CloudError as error:
            return self.again(request.POST, template_name=error.message)
        return self.go(f"{reverse('launch')}?template={made.pk}", _("Saved as the template %(name)s") % {"name": name})


class Snippets(Launch):
    """POST: save the form's user data under `snippet_name`; the form goes on as a draft."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.go(reverse("launch"))

    def post(self, request: HttpRequest) -> HttpResponse:
        name, text = request.POST.get("snippet_name", "").strip(), request.POST.get("user_data", "")
        if not text.strip():
            return self.again(request.POST, user_data=_("There is no user data to save."))
        try:
            drafts.save(self.actor, SNIPPET, name, {"text": text.replace("\r\n", "\n")})
        except CloudError as error:
            return self.again(request.POST, snippet_name=error.message)
        drafts.keep(self.actor, form_of(request.POST))
        return self.go(reverse("launch"), _("Saved %(name)s") % {"name": name})


def _template(actor: RequestContext, id: str) -> Draft:
    return drafts.find(actor, TEMPLATE, id)


def _snippet(actor: RequestContext, id: str) -> Draft:
    return drafts.find(actor, SNIPPET, id)


FORGET = Verb(panel="instances", do=lambda call: drafts.forget(call.actor), next=to("launch"))
DELETE_TEMPLATE = Delete(
    panel="instances",
    find=_template,
    text=gettext_lazy("Instances that were launched from it stay."),
    submit=gettext_lazy("Delete the template"),
    do=lambda call: drafts.delete(call.actor, TEMPLATE, call.id),
    next=to("launch"),
)
DELETE_SNIPPET = Delete(
    panel="instances",
    find=_snippet,
    text=gettext_lazy("Instances keep the user data that they were launched with."),
    submit=gettext_lazy("Delete it"),
    do=lambda call: drafts.delete(call.actor, SNIPPET, call.id),
    next=to("launch"),
)

URLS = [
    path("instances/launch/draft", Half.as_view(), name="launch-draft"),
    path("instances/launch/draft/forget", FORGET.as_view(), name="launch-draft-forget"),
    path("instances/launch/templates", Templates.as_view(), name="launch-templates"),
    path("instances/launch/templates/<str:id>/delete", DELETE_TEMPLATE.as_view(), name="launch-template-delete"),
    path("instances/launch/snippets", Snippets.as_view(), name="launch-snippets"),
    path("instances/launch/snippets/<str:id>/delete", DELETE_SNIPPET.as_view(), name="launch-snippet-delete"),
]
