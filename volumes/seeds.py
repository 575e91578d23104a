from common import seeding
from volumes.types import services as types


def register() -> None:
    seeding.register(35, "volume types", types.seed)
