from hostagent.contract.reports import Kind
from operations import queue, rpc
from telemetry.samples import ingest


def register() -> None:
    rpc.on_report(Kind.STATS, ingest.take)
    queue.on_control(ingest.start)
