"""`python -m bench [NAME…]`: all cases, or those whose name holds one of the words."""

import sys
import traceback
from collections.abc import Callable
from functools import partial

from bench import cases
from bench.cloud import running
from bench.result import end, put


def main(words: list[str]) -> int:
    def wanted(name: str) -> bool:
        return not words or any(word in name for word in words)

    def measure(name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001 - one case's failure is its result; the others still run
            traceback.print_exc()
            put(name, 0, "", "runs", False, error=str(error)[:300])

    for name, alone in cases.ALONE.items():
        if wanted(name):
            measure(name, alone)
    for group, options in ((cases.FAKE, {"hosts": 0, "fake": 2}), (cases.REAL, {"hosts": 1, "fake": 0})):
        chosen = {name: case for name, case in group.items() if wanted(name)}
        if not chosen:
            continue
        with running(**options) as cloud:
            for name, case in chosen.items():
                measure(name, partial(case, cloud))
    return end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
