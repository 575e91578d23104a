from compute.servers.create.limits import COUNTED
from quota import services as quota


def register() -> None:
    for name, (default, count) in COUNTED.items():
        quota.register("compute", name, default=default, count=count)
