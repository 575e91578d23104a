"""The verb by which control says what networks a host should have."""

from typing import Any

from hostagent.host import Host
from hostagent.job import Job


def apply(host: Host, job: Job) -> dict[str, Any]:
    """{"hashes": {piece: hash of what the host has now}, "failed": {piece: {"code", "data"}}}."""
    answer = host.network.apply(job.body)
    host.report("network", answer)  # the order belongs to no operation: control reads this report, not the answer
    return answer
