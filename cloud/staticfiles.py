"""Hashed, compressed static files whose ES module imports are rewritten too; the portal's own go without their comments."""

import re
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

_COMMENT_LINES = re.compile(r"(?m)^[ \t]*//.*\n|^[ \t]+")
_CSS = re.compile(r"/\*.*?\*/|\n\s*", re.DOTALL)


def lean(name: str, text: str) -> str:
    """Return one of the portal's own scripts or style sheets without comments and indentation.

    A line of a script that begins with // is a comment, also inside of a text in backquotes.
    """
    if name.endswith(".css"):
        return _CSS.sub(lambda found: "\n" if found[0].startswith("\n") else "", text)
    return _COMMENT_LINES.sub("", text)


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # Without it, imports inside modules keep unhashed names and escape cache busting.
    support_js_module_import_aggregation = True

    def _save(self, name: str, content: Any) -> str:
        if name.startswith(("js/", "css/")):
            content = ContentFile(lean(name, b"".join(content.chunks()).decode()).encode())
        saved: str = super()._save(name, content)
        return saved
