from common import seeding
from compute.flavors import services as flavors


def register() -> None:
    seeding.register(30, "flavors", flavors.seed)
