from common import seeding
from hosts import epoch, services


def register() -> None:
    seeding.register(5, "hosts.epoch", epoch.begin)
    seeding.register(20, "hosts", services.seed)
