"""Files that a request below 2.57 puts into a new guest: they lie on its config drive, as nova/api/metadata has it.

Stored as [{"path", "contents"}], the contents in base64 as they came.
"""

import base64
import binascii

from django.utils.translation import gettext_lazy as _

from common.errors import Forbidden, Invalid
from quota import services as quota

Files = list[dict[str, str]]


class TooManyFiles(Forbidden):
    template = _("Personality file limit exceeded: %(have)s files asked, at most %(limit)s. Use user data instead.")


class FilePathTooLong(Forbidden):
    template = _("Personality file path exceeds maximum length: %(have)s bytes, at most %(limit)s.")


class FileTooLarge(Forbidden):
    template = _("Personality file content limit exceeded: %(have)s bytes in %(path)s, at most %(limit)s.")


def check(project_id: str, files: Files) -> None:
    """Check files against the project's injected_* limits.

    Raises: TooManyFiles, FilePathTooLong, FileTooLarge; Invalid for contents that are no base64.
    """
    if not files:
        return
    limits = quota.limits(project_id, "compute")
    _within(limits["injected_files"], len(files), TooManyFiles)
    for file in files:
        path = file["path"]
        _within(limits["injected_file_path_bytes"], len(path.encode()), FilePathTooLong)
        _within(limits["injected_file_content_bytes"], len(content(file)), FileTooLarge, path=path)


def _within(limit: int, have: int, error: type[Forbidden], **data: object) -> None:
    if 0 <= limit < have:
        raise error(have=have, limit=limit, **data)


def content(file: dict[str, str]) -> bytes:
    """Decode the base64 contents of one file. Raises: Invalid."""
    try:
        return base64.b64decode("".join(file["contents"].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            reason=_("Personality content for %(path)s cannot be decoded: %(error)s."),
            path=file["path"],
            error=str(error),
        ) from error
