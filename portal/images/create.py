"""Creating an image: described first, then filled by an upload, or from an address."""

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from common.errors import CloudError
from images.images import services
from images.images.models import Image
from images.tasks import imports
from portal.images.fields import Described, Metadata, address, container
from portal.images.listing import VISIBILITIES
from portal.ui.calls import Call, Declared, carry_out
from portal.ui.pages import Page, is_fragment

#: The API's own route, for all bytes come in through the process that reads them as they come (cloud/uploads.py).
UPLOAD = "/api/image/v2/images/{}/file"


ABOUT = Declared(panel="images")


class CreateForm(Described):
    uri = address(
        required=False,
        label=gettext_lazy("Or an address"),
        help_text=gettext_lazy("http or https: the cloud fetches it by itself, while you do something else."),
    )
    visibility = forms.ChoiceField(
        label=gettext_lazy("Visibility"), choices=tuple(VISIBILITIES.items()), initial="private"
    )
    metadata = Metadata(
        label=gettext_lazy("Properties"), required=False, help_text=gettext_lazy("One name=value a line.")
    )
    parts = (
        ("about", gettext_lazy("Image"), ("uri", "name", "description", "disk_format", "visibility", "protected")),
        ("needs", gettext_lazy("Needs"), ("min_disk", "min_ram", "architecture", "kernel_id", "ramdisk_id")),
        ("metadata", gettext_lazy("Metadata"), ("metadata",)),
    )

    def values(self) -> dict[str, object]:
        """Return the image's attributes as the service takes them."""
        data = self.cleaned_data
        texts = {name: data[name] for name in self.properties if data[name]}
        columns = {name: data[name] for name in self.columns}
        return {**data["metadata"], **texts, **columns, "container_format": container(data["disk_format"])}


class Create(Page):
    """GET: the form. POST: a queued image whose bytes the page then sends, with a bar, where every image's bytes go in; with an
    address one that is importing."""

    panel = "images"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = CreateForm()
        form.offer(self.actor)
        return self.page("images/create.html", form=form)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CreateForm(request.POST)
        form.offer(self.actor)
        if not form.is_valid():
            return self.wrong(form)
        uri = form.cleaned_data["uri"].strip()
        try:
            image = carry_out(Call(request, self.actor, ABOUT, {}), lambda: self.make(form.values(), uri))
        except CloudError as error:
            form.add_error("uri" if isinstance(error, imports.UriRefused) else None, error.message)
            return self.wrong(form)
        page = reverse("image", args=[image.pk])
        if uri and not is_fragment(request):
            return HttpResponseRedirect(page)
        return JsonResponse({"upload": "" if uri else UPLOAD.format(image.pk), "page": page, "undo": f"{page}/delete"})

    @transaction.atomic
    def make(self, values: dict[str, object], uri: str) -> Image:
        """Create the image, and with an address begin to fetch it: both or nothing."""
        image = services.create(self.actor, values=values)
        if uri:
            imports.fetch_from(self.actor, image_id=image.pk, uri=uri)
        return image

    def wrong(self, form: CreateForm) -> HttpResponse:
        """Say what is wrong: to the page's script by label, else in the form as it was filled."""
        if not is_fragment(self.request):
            return self.page("images/create.html", 422, form=form)
        labels = {name: str(field.label) for name, field in form.fields.items()}
        said = {labels.get(name, ""): list(found) for name, found in form.errors.items()}
        return JsonResponse({"errors": said, "fields": list(form.errors)}, status=422)
