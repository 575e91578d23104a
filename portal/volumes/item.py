"""The pages of one volume and of one snapshot."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.menus import Action, gate, in_words
from portal.ui.tables import Cell, Column, Row
from portal.volumes import status
from portal.volumes.listing import attached_to, size, type_name, with_servers
from volumes.attachments.models import Attachment
from volumes.snapshots import services as snapshots
from volumes.snapshots.models import Snapshot
from volumes.volumes import services as volumes
from volumes.volumes.models import Volume


class VolumeItem(ItemPage):
    panel, kind = "volumes", "volume"
    recorded = "service/storage/block/volumes"
    find = staticmethod(volumes.find)
    tabs = (("", gettext_lazy("Overview")), ("snapshots", gettext_lazy("Snapshots")))

    def actions(self, actor: RequestContext, row: Volume) -> list[Action]:
        def why(verb: str) -> Text:
            return gate(actor, volumes.RULES[verb], row, in_words(row.why_not(verb), status.of(row)))

        def url(name: str) -> str:
            return reverse(f"volume-{name}", args=[row.pk])

        kept = _("Delete its snapshots first") if row.snapshots.exists() else ""
        attached = Attachment.objects.filter(volume=row).exists()
        link = (
            Action("detach", _("Detach"), "plug-connected-x", url("detach"), why=why("detach"), risk=True)
            if attached
            else Action("attach", _("Attach to an instance"), "plug-connected", url("attach"), why=why("reserve"))
        )
        return [
            link,
            Action("edit", _("Edit"), "pencil", url("edit"), why=gate(actor, "volume:update", row)),
            Action("extend", _("Extend"), "maximize", url("extend"), why=why("extend")),
            Action("snapshot", _("Create snapshot"), "camera", url("snapshot-new"), why=why("snapshot")),
            Action("upload", _("Upload to image"), "upload", url("upload"), why=why("upload")),
            Action("delete", _("Delete"), "trash", url("delete"), why=why("delete") or kept, risk=True),
        ]

    def detail(self, actor: RequestContext, row: Volume) -> Detail:
        facts = [
            (_("Size"), size(row)),
            (_("Attached to"), attached_to(with_servers(Volume.objects.filter(pk=row.pk)).get())),
            (_("Type"), type_name(row)),
            (_("Bootable"), Cell("yes", row.bootable)),
            (_("Availability zone"), Cell("text", row.availability_zone)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.image_metadata:
            facts.append((_("Image"), Cell("text", str(row.image_metadata.get("image_name", "")))))
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        if actor.is_admin:
            facts.append((_("Pool"), Cell("mono", row.pool)))
        metadata = tuple((name, Cell("text", value)) for name, value in row.metadata.items())
        cards = [Card(_("Details"), pairs=facts)]
        if metadata:
            cards.append(Card(_("Metadata"), pairs=metadata))
        return Detail(str(row), status.of(row), cards=cards)

    def tab(self, actor: RequestContext, row: Volume, name: str) -> list[Card]:
        head = (Column(_("Name")), Column(_("Status")), Column(_("Size"), "n"), Column(_("Age"), "n"))
        rows = [
            Row(one.pk, str(one), reverse("volume-snapshot", args=[one.pk]), status.of(one),
                (Cell("status", status.of(one)), size(one), Cell("age", one.created_at)))
            for one in row.snapshots.order_by("-created_at", "-id")
        ]  # fmt: skip
        empty = _("None: the volume was never kept as it was.")
        return [Card(_("Snapshots"), columns=head, rows=rows, empty=empty, name="snapshots")]


class SnapshotItem(ItemPage):
    panel, kind = "volume-snapshots", "volume_snapshot"
    recorded = "service/storage/block/snapshots"
    find = staticmethod(snapshots.find)

    def actions(self, actor: RequestContext, row: Snapshot) -> list[Action]:
        copy = gate(actor, "volume:create", row.project_id, in_words(row.why_not("copy"), status.of(row)))
        delete = gate(actor, "volume:delete_snapshot", row, in_words(row.why_not("delete"), status.of(row)))
        busy = in_words(row.volume.why_not("drop_snapshot"), status.of(row.volume))
        newest = row.volume.snapshots.order_by("-created_at", "-id").values_list("pk", flat=True).first() == row.pk
        back = "" if newest else _("It is not the newest of its volume")
        revert = gate(actor, "volume:revert_to_snapshot", row.volume, busy or back)
        return [
            Action("volume", _("Create volume"), "plus", reverse("volume-create") + f"?snapshot={row.pk}", why=copy),
            Action("revert", _("Take the volume back here"), "history", reverse("volume-snapshot-revert", args=[row.pk]),
                   why=revert, risk=True),
            Action("edit", _("Edit"), "pencil", reverse("volume-snapshot-edit", args=[row.pk]),
                   why=gate(actor, "volume:update_snapshot", row)),
            Action("delete", _("Delete"), "trash", reverse("volume-snapshot-delete", args=[row.pk]), why=delete or busy,
                   risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Snapshot) -> Detail:
        facts = [
            (_("Volume"), Cell("link", str(row.volume), reverse("volume", args=[row.volume_id]))),
            (_("Size"), size(row)),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.description:
            facts.append((_("Description"), Cell("text", row.description)))
        return Detail(str(row), status.of(row), cards=[Card(_("Details"), pairs=facts)])
