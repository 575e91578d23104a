"""Errors of images, in Glance's words."""

from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, Conflict, Forbidden, Invalid, NotFound, OverLimit, UnsupportedMediaType


class ImageNotFound(NotFound):
    template = _("No image found with ID %(id)s")


class NoSuchImage(NotFound):
    """For people: by id or name, with the names that come near."""

    template = _("There is no image %(id)s.%(hint)s")


class AmbiguousName(Conflict):
    template = _("More than one image is named %(name)s. Use an id: %(ids)s.")


class NotPermitted(Forbidden):
    """`why`, if there, is policy's own reason."""

    template = _("You are not permitted to %(verb)s this image.")

    @property
    def message(self) -> str:
        return f"{super().message} {self.data.get('why', '')}".strip()


class ReadOnly(Forbidden):
    template = _("Attribute '%(name)s' is read-only.")


class Reserved(Forbidden):
    template = _("Attribute '%(name)s' is reserved.")


class OwnerIsFixed(Forbidden):
    template = _("Owner can't be updated by non admin.")


class CannotRemove(Forbidden):
    template = _("Property %(name)s may not be removed.")


class LocationsHidden(Forbidden):
    template = _("It's not allowed to change locations if locations are invisible.")


class OnlyCopy(Forbidden):
    template = _("Cannot delete image data from the only store containing it. Consider deleting the image instead.")


class NotInStore(NotFound):
    template = _("Image %(id)s is not stored on store %(store)s.")


class FormatIsFixed(Forbidden):
    template = _("Attribute %(name)s can be only replaced for a queued image.")


class Protected(Forbidden):
    template = _("Image %(id)s is protected and cannot be deleted.")


class Deactivated(Forbidden):
    template = _("The requested image has been deactivated. Image data download is forbidden.")


class NoSuchProperty(Conflict):
    template = _("Property %(name)s does not exist.")


class PropertyExists(Conflict):
    template = _("Property %(name)s already present.")


class DuplicateId(Conflict):
    template = _("Image ID %(id)s already exists!")


class WrongStatus(Conflict):
    template = _("Image %(id)s is %(status)s: it cannot be %(verb)s now.")


class CannotSwitch(Invalid):
    """Deactivate and reactivate answer 400 where other verbs answer 409."""

    template = _(
        "Image %(id)s is %(status)s: only an active image can be deactivated, and only a deactivated one activated."
    )


class FormatsMissing(Conflict):
    template = _("'%(name)s' needs to be set before data is brought in.")


class StillArriving(Conflict):
    template = _("Data of image %(id)s is still being staged.")


class TooManyProperties(OverLimit):
    template = _(
        "The limit has been exceeded on the number of allowed image %(what)s. Attempted: %(asked)s, Maximum: %(limit)s"
    )


class TooBig(CloudError):
    template = _("The image is larger than %(limit)s bytes, which is what %(why)s allows.")


class Overtaken(Conflict):
    template = _("Image %(id)s was given other data meanwhile, or was given up because nothing came for long.")


class NoBody(Invalid):
    template = _("Body expected in request.")


class Corrupt(CloudError):
    template = _("The bytes of image %(id)s arrived as %(have)s, not as %(want)s.")


class NotBootable(Conflict):
    template = _("Image %(id)s is %(status)s and cannot be used.")


class NotInspected(Conflict):
    template = _(
        "Image %(id)s has the container format %(container)s: nothing here can look into it, so no server boots from it."
    )


class WrongPatchType(UnsupportedMediaType):
    template = _("Image PATCH expects Content-Type one of: %(allowed)s")
