from hosts import debts, silence
from operations import periodic


def register() -> None:
    periodic.register(2.0, "hosts", silence.check, urgent=True)
    periodic.register(5.0, "hosts.debts", debts.recover)
