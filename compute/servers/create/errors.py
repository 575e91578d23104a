"""What refuses a launch in more than one place."""

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid


class FlavorTooSmall(Invalid):
    template = _(
        "Flavor's %(what)s is too small for requested image. Flavor has %(have)s %(unit)s, image needs %(need)s."
    )
