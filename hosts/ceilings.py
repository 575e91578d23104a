from common.ceilings import elsewhere
from hosts.models import HostDebt


def register() -> None:
    elsewhere(HostDebt, "one a thing that a host still has to do; the periodic task hosts.debts begins with it")
