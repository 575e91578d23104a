from hosts import services as hosts
from placement import inventories


def register() -> None:
    hosts.on_inventory(inventories.on_inventory)
