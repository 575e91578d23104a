from audit import purging
from common import purging as purges


def register() -> None:
    purges.register("audit", purging.forget)
