"""Hashed, compressed static files whose ES module imports are rewritten too."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # Without it, imports inside modules keep unhashed names and escape cache busting.
    support_js_module_import_aggregation = True
