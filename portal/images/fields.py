"""Form fields of images, and what making and editing one have in common."""

from collections.abc import Iterable
from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from images.images import states
from images.images.fields import BASE, LARGEST
from images.images.models import Image
from portal.ui import Text
from portal.ui.forms import Name, Pairs, Stepped

#: Disk formats as people look for them: those that most bring first.
FORMATS = ("qcow2", "raw", "vmdk", "vdi", "iso", "vhd", "vhdx", "aki", "ari", "ami")
MOST = 200  # kernels and ramdisks that are offered


class Amount(forms.IntegerField):
    """A least size; nothing is 0."""

    def __init__(self, label: Text) -> None:
        super().__init__(label=label, min_value=0, max_value=LARGEST, initial=0, required=False)

    def clean(self, value: object) -> int:
        return super().clean(value) or 0


def text(label: Text, help_text: Text = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=255, help_text=help_text)


def address(*, required: bool = True, label: Text = gettext_lazy("Address"), help_text: Text = "") -> forms.CharField:
    """Make a field of an address that is fetched; whether it may be is the service's to say."""
    attrs = {
        "placeholder": "https://…",
        "class": "mono",
        "spellcheck": "false",
        "autocomplete": "off",
        "inputmode": "url",
    }
    return forms.CharField(
        label=label, required=required, max_length=2000, help_text=help_text, widget=forms.TextInput(attrs=attrs)
    )


class Metadata(Pairs):
    """Properties of an image, a line each."""

    def clean(self, value: object) -> dict[str, str]:
        found = super().clean(value)
        for name in found:
            if name in BASE:
                raise ValidationError(_("%(name)s is no property: it has a field of its own."), params={"name": name})
            if len(name) > 255:
                raise ValidationError(_("The name %(name)s… is too long."), params={"name": name[:40]})
        return found


class Described(Stepped):
    """What people say of an image, new or there already. `columns` are the image's own, `properties` are kept as such."""

    numbered = False
    columns: ClassVar[tuple[str, ...]] = ("name", "disk_format", "min_disk", "min_ram", "visibility", "protected")
    properties: ClassVar[tuple[str, ...]] = ("description", "architecture", "kernel_id", "ramdisk_id")
    name = Name()
    description = text(gettext_lazy("Description"))
    disk_format = forms.ChoiceField(label=gettext_lazy("Format"), choices=[(name, name) for name in FORMATS])
    protected = forms.BooleanField(label=gettext_lazy("Protected from deletion"), required=False)
    min_disk = Amount(gettext_lazy("Least disk, GiB"))
    min_ram = Amount(gettext_lazy("Least memory, MiB"))
    architecture = text(gettext_lazy("Architecture"), gettext_lazy("Such as x86_64 or aarch64."))
    kernel_id = forms.ChoiceField(label=gettext_lazy("Kernel"), required=False)
    ramdisk_id = forms.ChoiceField(label=gettext_lazy("Ramdisk"), required=False)

    def offer(self, actor: RequestContext, row: Image | None = None) -> None:
        """Offer the images that are kernels and ramdisks, and what the image has already."""
        for name, wanted in (("kernel_id", "aki"), ("ramdisk_id", "ari")):
            found = Image.objects.of_pages(actor).filter(disk_format=wanted).order_by("name")[:MOST]
            has = row.properties.get(name, "") if row else ""
            self.fields[name].choices = list(_with(found, has))  # type: ignore[attr-defined]


def _with(found: Iterable[Image], has: str) -> Iterable[tuple[str, Text]]:
    yield "", gettext_lazy("none")
    seen = {row.pk: row.name or row.pk for row in found}
    yield from ({has: has} | seen if has else seen).items()


def container(disk_format: str) -> str:
    """Return the container format of a disk format: what is no disk has one of the same name."""
    return disk_format if disk_format in states.AMAZON_FORMATS else "bare"
