"""What is written to an instance without touching its machine: metadata and tags; and the password that its guest has posted."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy

from compute.metadata import passwords
from compute.servers.create import limits
from compute.servers.lifecycle import services
from portal.servers.dialogs import of_id
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Lines, Pairs, Styled
from portal.ui.menus import Verb
from portal.ui.pages import Page


class MetadataForm(Styled):
    metadata = Pairs(
        label=gettext_lazy("Metadata"), required=False, help_text=gettext_lazy("One name=value a line.")
    )  # fmt: skip


class TagsForm(Styled):
    tags = Lines(label=gettext_lazy("Tags"), required=False, help_text=gettext_lazy("One a line."))


def set_metadata(call: Call, metadata: dict[str, str]) -> None:
    """Make the metadata these."""
    services.set_metadata(
        call.actor, server_id=call.id, items=metadata, replace=True, rule="os_compute_api:server-metadata:update_all"
    )


def set_tags(call: Call, tags: Sequence[str]) -> None:
    """Make the tags these."""
    services.set_tags(
        call.actor, server_id=call.id, tags=list(tags), rule="os_compute_api:os-server-tags:update_all"
    )  # fmt: skip


METADATA = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Update metadata"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("The guest reads it from the metadata service."),
    form=MetadataForm,
    initial=lambda call: {"metadata": call.row.metadata},
    places=((limits.BadMetadata, "metadata"), (limits.TooManyItems, "metadata")),
    do=lambda call, values: set_metadata(call, **values),
)
TAGS = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Edit tags"),
    submit=gettext_lazy("Save"),
    form=TagsForm,
    initial=lambda call: {"tags": "\n".join(call.row.tags)},
    places=((services.TooManyTags, "tags"), (services.BadTag, "tags")),
    do=lambda call, values: set_tags(call, **values),
)


class Password(Page):
    """GET: the password that the guest has posted, encrypted; the page decrypts it with a key that never leaves the browser."""

    panel = "instances"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        server = services.find(self.actor, id, "os_compute_api:os-server-password:show")
        return self.page("servers/password.html", server=server)


CLEAR_PASSWORD = Verb(
    panel="instances", do=lambda call: passwords.clear(call.actor, call.id), next=to("instance-password", "id")
)

URLS = [
    path("instances/<str:id>/metadata", METADATA.as_view(), name="instance-metadata"),
    path("instances/<str:id>/tags", TAGS.as_view(), name="instance-tags"),
    path("instances/<str:id>/password", Password.as_view(), name="instance-password"),
    path("instances/<str:id>/password/clear", CLEAR_PASSWORD.as_view(), name="instance-password-clear"),
]
