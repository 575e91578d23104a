from compute.servers import limits


def register() -> None:
    limits.register()
