from common.ceilings import elsewhere
from keystore.models import Key


def register() -> None:
    elsewhere(Key, "one in use; others belong to what they encrypt, which quotas bound, or are retired and purged")
