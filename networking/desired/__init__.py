"""Wanted state: from rows to pieces, from pieces to hosts, and back as reports.

`changes.touch` notes within a transaction which pieces it changed; `sync.drain` renders those and sends each host what is
new to it; `reports` holds against that what hosts say. `in_sync` is what a boot waits for.
"""

from hostagent.contract.failures import FailureBody


def in_sync(host: str, port_ids: list[str]) -> bool | FailureBody | None:
    """See reports.in_sync. Imported late: models load only after this package does."""
    from networking.desired import reports

    return reports.in_sync(host, port_ids)
