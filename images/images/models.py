"""Rows of images."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError
from common.ids import new_id
from images.images import errors, states
from images.members.models import ImageMember
from images.members.states import ACCEPTED
from operations.subject import Subject, Verb, Why
from sharing import received

#: Values of the property `image_type` of images made of a server's disk, as Nova's clients know them.
SNAPSHOT_TYPES = ("snapshot", "backup")


def _on_pages(project_id: str) -> Q:
    accepted = ImageMember.objects.filter(member_id=project_id, status=ACCEPTED).values("image_id")
    return Q(project_id=project_id) | Q(visibility="shared", id__in=accepted) | Q(visibility="public")


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, actor: RequestContext) -> "ImageQuerySet":
        """Images whose existence the actor may know: own, public, community, shared with the project or the person."""
        if actor.is_admin:
            return self
        members = ImageMember.objects.filter(member_id=actor.project_id or "").values("image_id")
        own = Q(project_id=actor.project_id or "")
        seen = own | Q(visibility__in=("public", "community")) | Q(visibility="shared", id__in=members)
        return self.filter(received.or_shared(actor, "image", seen))

    def listed_for(self, actor: RequestContext, *, visibility: str | None, member_status: str) -> "ImageQuerySet":
        """Images of a list: as Glance, without `visibility` another project's community image is left out.

        `member_status` says which offers count: pending, accepted, rejected or all.
        """
        members = ImageMember.objects.filter(member_id=actor.project_id or "")
        if member_status != "all":
            members = members.filter(status=member_status)
        own = Q(project_id=actor.project_id or "")
        offered = Q(visibility="shared", id__in=members.values("image_id"))
        if visibility in (None, "shared", "all"):
            offered = received.or_shared(actor, "image", offered)
        if visibility in ("public", "community"):
            return self.filter(visibility=visibility)
        if visibility == "private":
            return self.filter(visibility="private") if actor.is_admin else self.filter(own, visibility="private")
        if visibility == "shared":
            return self.filter((own & Q(visibility="shared")) | offered)
        if visibility == "all":
            return self if actor.is_admin else self.filter(own | offered | Q(visibility__in=("public", "community")))
        if actor.is_admin:
            return self.exclude(Q(visibility="community") & ~own)
        return self.filter(own | offered | Q(visibility="public"))

    def of_pages(self, actor: RequestContext) -> "ImageQuerySet":
        """Images of a project's pages, an operator's too: own, public, and those it accepted or a person was given."""
        return self.filter(received.or_shared(actor, "image", _on_pages(actor.project_id or "")))

    def of_pages_of(self, project_id: str) -> "ImageQuerySet":
        """Filter to those of `of_pages` for a project whose people were given nothing."""
        return self.filter(_on_pages(project_id))

    def offered_to(self, actor: RequestContext) -> "ImageQuerySet":
        """Images of other projects that were offered to the actor's, whatever it answered, or shared with the actor."""
        asked = ImageMember.objects.filter(member_id=actor.project_id or "").values("image_id")
        offered = received.or_shared(actor, "image", Q(visibility="shared", id__in=asked))
        return self.filter(offered).exclude(project_id=actor.project_id or "")

    def snapshots(self) -> "ImageQuerySet":
        return self.filter(properties__image_type__in=SNAPSHOT_TYPES)

    def without_snapshots(self) -> "ImageQuerySet":
        return self.filter(Q(properties__image_type__isnull=True) | ~Q(properties__image_type__in=SNAPSHOT_TYPES))

    def using_space_of(self, project_id: str) -> "ImageQuerySet":
        return self.filter(project_id=project_id, size__isnull=False)


class Image(Subject, models.Model):
    """One image. Bytes lie in the store under its id."""

    lifecycle = states.LIFECYCLE

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    project_id = models.CharField(max_length=64, null=True, db_index=True)  # `owner` on the wire
    name = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=30, default=states.QUEUED)
    visibility = models.CharField(max_length=10, default="shared")
    protected = models.BooleanField(default=False)
    os_hidden = models.BooleanField(default=False)
    disk_format = models.CharField(max_length=20, null=True)
    container_format = models.CharField(max_length=20, null=True)
    min_disk = models.BigIntegerField(default=0)  # GiB
    min_ram = models.BigIntegerField(default=0)  # MiB
    size = models.BigIntegerField(null=True)  # bytes as stored
    virtual_size = models.BigIntegerField(null=True)  # bytes of the disk inside
    checksum = models.CharField(max_length=32, null=True)  # md5 hex
    os_hash_algo = models.CharField(max_length=16, null=True)
    os_hash_value = models.CharField(max_length=128, null=True)
    #: Whether the bytes were held against the claimed format and found free of references to other files.
    inspected = models.BooleanField(default=False)
    properties = models.JSONField(default=dict)
    upload_id = models.CharField(max_length=36, default="")  # whose bytes are arriving; an import's is its task's id
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    alive_at = models.DateTimeField(null=True)  # last sign of life of whoever brings the bytes
    revision = models.PositiveIntegerField(default=1)

    objects = ImageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["visibility"], name="image_visibility"),
            models.Index(fields=["-created_at", "id"], name="image_created"),
            models.Index(
                fields=["name", "id", "project_id", "visibility"], name="image_by_name"
            ),  # whole, for the palette
        ]

    def __str__(self) -> str:
        return f"{self.name or self.id} ({self.status})"

    @property
    def is_snapshot(self) -> bool:
        return self.properties.get("image_type") in SNAPSHOT_TYPES

    def change(self, what: str = "update", /, **values: object) -> None:
        """Write these columns with a new revision, and announce it."""
        super().change(what, revision=self.revision + 1, **values)

    def refused(self, verb: Verb, why: Why) -> CloudError:
        if verb.action in states.SWITCHES:
            return errors.CannotSwitch(id=self.id, status=self.status)
        if verb.action == "boot":
            return errors.NotBootable(id=self.id, status=self.status)
        done = _("finished") if verb.action == "settle_snapshot" else _("given data")
        return errors.WrongStatus(id=self.id, status=self.status, verb=done)


class ImageTag(models.Model):
    """One tag of one image."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="tags")
    value = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "value"], name="image_tag_once")]
        indexes = [models.Index(fields=["value"], name="image_tag_value")]

    def __str__(self) -> str:
        return self.value
