"""Where credentials' blobs are encrypted for."""

from functools import partial

from keystore.encryption import Place

#: By the credential's id.
BLOB = partial(Place, "identity.Credential", "encrypted_blob")
