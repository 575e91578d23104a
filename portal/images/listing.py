"""Images: those of a project, its snapshots, what others offer it, and the images of every project."""

from collections.abc import Sequence
from typing import ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.units import MIB
from identity.models import Project
from images.images import states
from images.images.models import Image
from images.members.models import ImageMember
from portal.images import status
from portal.netadmin.everywhere import BY_PROJECT
from portal.ui import Text
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action
from portal.ui.status import Status
from portal.ui.tables import Bound, Bulk, Cell, Column, Filter, Row, attr

VISIBILITIES: dict[str, Text] = {
    "private": gettext_lazy("private"),
    "shared": gettext_lazy("shared"),
    "community": gettext_lazy("community"),
    "public": gettext_lazy("public"),
}
PROTECTED = (("True", gettext_lazy("Protected")), ("False", gettext_lazy("Not protected")))


def visibility(image: Image) -> Text:
    return VISIBILITIES.get(image.visibility, image.visibility)


def kind_of(image: Image) -> Text:
    return _("Snapshot") if image.is_snapshot else _("Image")


def owners(actor: RequestContext, projects: set[str | None]) -> dict[str, str]:
    """Project id → name, of those whose names the actor may know."""
    seen = projects if actor.is_admin else projects & {actor.project_id}
    return dict(Project.objects.filter(pk__in=[id for id in seen if id]).values_list("pk", "name"))


class Images(ListPanel):
    panel, kind, route = "images", "image", "image"
    order = ("-created_at", "id")
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Type"), hide="l", cell=lambda row: Cell("text", kind_of(row))),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.image(row.status))),
        Column(gettext_lazy("Visibility"), hide="m", cell=lambda row: Cell("muted", visibility(row))),
        Column(gettext_lazy("Protected"), hide="l", cell=attr("yes", "protected")),
        Column(gettext_lazy("Format"), hide="m", cell=attr("text", "disk_format")),
        Column(gettext_lazy("Size"), "n", "m", "size", attr("size", "size")),
        Column(gettext_lazy("Project"), hide="l", cell=attr("muted", "owner")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("visibility", gettext_lazy("Visibility"), choices=tuple(VISIBILITIES.items())),
        Filter("name", gettext_lazy("Name")),
        Filter("status", gettext_lazy("Status"), many=True,
               choices=[(name, word) for name, (_kind, word) in status.STATES.items() if name in states.STATES]),
        Filter("protected", gettext_lazy("Protected"), choices=PROTECTED, many=True),
        Filter("format", gettext_lazy("Format"), "disk_format", [(name, name) for name in states.DISK_FORMATS], many=True),
        Bound("least", gettext_lazy("Size of at least, MiB"), "size", unit=MIB),
        Bound("most", gettext_lazy("Size of at most, MiB"), "size", how="lte", unit=MIB),
    )  # fmt: skip
    tabs: ClassVar[Sequence[tuple[str, Text]]] = (
        ("images", gettext_lazy("Images")),
        ("images-snapshots", gettext_lazy("Snapshots")),
        ("images-shared", gettext_lazy("Shared with me")),
    )
    new: ClassVar[New | None] = New(gettext_lazy("Create image"), "image-create", "add_image", "link")
    empty = Empty(
        gettext_lazy("No images yet"),
        gettext_lazy(
            "An image is a disk that instances start from. Bring one as qcow2 or raw, or take a snapshot of an instance."
        ),
        "openstack image create --disk-format qcow2 --file disk.qcow2 my-image",
    )

    def query(self, actor: RequestContext) -> QuerySet[Image]:
        return Image.objects.of_pages(actor).without_snapshots()

    def rows(self, actor: RequestContext, found: Sequence[Image]) -> list[Row]:
        """With the name of each one's project: the reader's own, and for operators every one's."""
        names = owners(actor, {image.project_id for image in found})
        for image in found:
            vars(image)["owner"] = names.get(image.project_id or "", "")
        return super().rows(actor, found)

    def status(self, one: Image) -> Status:
        return status.image(one.status)

    def extra(self, actor: RequestContext) -> Sequence[Action]:
        return (Action("gallery", _("Gallery"), "box", reverse("image-gallery"), "link"),)

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("images-delete") + "?ids=", risk=True),)


class Snapshots(Images):
    title = gettext_lazy("Images")
    new = None
    empty = Empty(
        gettext_lazy("No snapshots yet"),
        gettext_lazy("A snapshot is an image of an instance's disk. Take one on the page of an instance."),
        "openstack server image create --name before-upgrade my-instance",
    )

    def query(self, actor: RequestContext) -> QuerySet[Image]:
        return Image.objects.of_pages(actor).snapshots()


class Shared(Images):
    """What other projects offer to this one, with its answer, and what people shared with the reader."""

    title = gettext_lazy("Images")
    new = None
    columns = (*Images.columns[:3], Column(gettext_lazy("Answer"), cell=attr("text", "answer")), *Images.columns[3:])
    empty = Empty(
        gettext_lazy("Nothing is shared with you"),
        gettext_lazy(
            "Another project can offer an image to yours. Once you accept it, it stands among your images and can be launched."
        ),
    )

    def query(self, actor: RequestContext) -> QuerySet[Image]:
        return Image.objects.offered_to(actor)

    def rows(self, actor: RequestContext, found: Sequence[Image]) -> list[Row]:
        asked = ImageMember.objects.filter(member_id=actor.project_id or "", image__in=[image.pk for image in found])
        answers = dict(asked.values_list("image_id", "status"))
        for image in found:
            vars(image)["answer"] = status.ANSWERS.get(answers.get(image.pk, ""), _("shared by a person"))
        return super().rows(actor, found)

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return ()


class AllImages(Images):
    """The images of every project; what is another project's alone says so. It refuses others than operators."""

    panel = "all-images"
    title = ""
    new = None
    tabs = ()
    columns = (
        Images.columns[0],
        Column(gettext_lazy("Project"), hide="m", cell=lambda row: Cell("text", row.owner, note=_foreign(row))),
        *(column for column in Images.columns[1:] if column.label != Images.columns[7].label),
    )
    filters = (BY_PROJECT, *Images.filters)

    def query(self, actor: RequestContext) -> QuerySet[Image]:
        policy.require(actor, "admin")
        return Image.objects.all()

    def rows(self, actor: RequestContext, found: Sequence[Image]) -> list[Row]:
        for image in found:
            vars(image)["foreign"] = image.visibility == "private" and image.project_id != actor.project_id
        return super().rows(actor, found)


def _foreign(row: Image) -> Text:
    return _("another project's own") if vars(row).get("foreign") else ""
