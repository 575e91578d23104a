"""The nightly purge of data keys that nothing needs any more."""

from common import purging
from keystore import rotation


def register() -> None:
    purging.register("retired_keys", rotation.forget_retired)
