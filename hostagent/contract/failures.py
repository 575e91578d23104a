"""Why a verb could not be done, as code and data, never prose: control has the sentences (common/errors.py)."""

from typing import Final, TypedDict

FAILURES: Final = (
    "image_corrupt",  # data: image_id, want, have
    "image_unreachable",  # data: image_id, detail
    "no_space",  # data: path, need (bytes), have (bytes)
    "hypervisor_down",  # data: detail
    "hypervisor_refused",  # data: detail
    "network_refused",  # data: piece, detail
    "not_found",  # data: what, id
    "in_use",  # data: what, id, server: a domain of this host has it open
    "too_small",  # data: what, id, need (bytes), have (bytes)
    "unreachable",  # data: what, detail: it cannot be given out, or does not answer where it should be
    "timed_out",  # data: seconds
    "unsupported",  # data: what, driver
    "stale",  # data: have, got (generations)
    "estranged",  # data: have, got (Cloud): this host has served a newer database, or another one
    "internal",  # data: detail (class name and message of the exception)
)

#: Failures of any verb, whatever it does; its row names the others.
ANY: Final = frozenset({"timed_out", "unsupported", "stale", "estranged", "internal"})


class FailureBody(TypedDict):
    code: str  # one of FAILURES
    data: dict[str, object]


class Failure(Exception):
    """A verb that could not be done. Control turns it into a sentence."""

    def __init__(self, code: str, **data: object) -> None:
        assert code in FAILURES, code
        super().__init__(code, data)
        self.code = code
        self.data = data
