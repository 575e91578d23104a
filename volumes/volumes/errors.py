"""Errors of volumes, in Cinder's words."""

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NoCapacity, NotFound


class VolumeNotFound(NotFound):
    template = _("Volume %(id)s could not be found.")


class VolumeMetadataNotFound(NotFound):
    template = _("Volume %(id)s has no metadata with key %(key)s.")


class WrongVolumeStatus(Invalid):
    """Cinder answers 400 where others answer 409."""

    wire_type = "InvalidVolume"
    template = _(
        "Invalid volume: volume %(id)s is %(status)s, and this is done with one that is %(wanted)s. Wait, or choose another."
    )


class VolumeHasSnapshots(Invalid):
    wire_type = "InvalidVolume"
    template = _("Invalid volume: volume %(id)s has %(count)s snapshots. Delete them first.")


class BadVolumeSize(Invalid):
    template = _("Invalid input received: a volume has 1 to %(most)s GiB, not %(size)s.")


class VolumeTooSmall(BadVolumeSize):
    template = _(
        "Invalid input received: a volume of %(size)s GiB is too small for what it is made of, which needs %(least)s GiB."
    )


class VolumeNotLarger(BadVolumeSize):
    template = _("Invalid input received: the volume has %(have)s GiB and grows to more than that, not to %(size)s.")


class SeveralSources(Invalid):
    template = _(
        "Invalid input received: a volume is made of one of an image, a snapshot or another volume, not of several."
    )


class VolumeImageUnknown(Invalid):
    template = _("Invalid image identifier or unable to access requested image: %(id)s")


class VolumeZoneUnknown(Invalid):
    template = _("Availability zone '%(zone)s' is invalid. There is %(known)s.")


class NoBackendFits(NoCapacity):
    """Why each backend was refused is in the operation's data under "scheduling"."""

    template = _(
        "No backend can take this volume. %(pool)s: needs %(need)s, has %(have)s. Choose another size or type, or try later."
    )


class NoBackends(NoCapacity):
    template = _("No backend can take this volume: no host has reported any yet.")
