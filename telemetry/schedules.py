from common import purging
from operations import periodic
from telemetry.samples import keeping, rollups


def register() -> None:
    periodic.register(10.0, "telemetry.rollups", rollups.roll)
    periodic.register(300.0, "telemetry.keeping", keeping.keep)
    purging.register("samples", keeping.orphans)
