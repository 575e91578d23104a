from hosts import debts, silence
from operations import periodic


def register() -> None:
    periodic.every(2.0, "hosts", silence.check, urgent=True)
    periodic.every(5.0, "hosts.debts", debts.recover)
