"""Image properties that set its servers' hardware: texts of the image's owner that go into the domain on the host."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid

#: Bytes that an x86 kernel reads of its command line: COMMAND_LINE_SIZE.
LONGEST_CMDLINE = 2048
_CMDLINE = re.compile(r"[ -~]*")
_MACHINE = re.compile(r"(?:pc|q35)(?:-[a-z0-9]+)*(?:-[0-9]+(?:\.[0-9]+)*)?")


class BadBootOption(Invalid):
    template = _(
        "The property %(name)s of image %(image)s is not %(wanted)s. Correct it on the image, then start the server again."
    )


def check(image: str, properties: Mapping[str, object]) -> None:
    """Check an image's kernel command line and machine type. Raises: BadBootOption for values that no domain can have."""
    cmdline = properties.get("os_command_line")
    if cmdline and not (len(str(cmdline)) <= LONGEST_CMDLINE and _CMDLINE.fullmatch(str(cmdline))):
        raise BadBootOption(
            name="os_command_line", image=image, wanted=_("one line of at most 2048 printable ASCII characters")
        )
    machine = properties.get("hw_machine_type")
    if machine and not (len(str(machine)) <= 64 and _MACHINE.fullmatch(str(machine))):
        raise BadBootOption(name="hw_machine_type", image=image, wanted=_("a machine type like pc or q35"))
