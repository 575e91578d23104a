"""Programs that end with the one that started them: a left one would keep a socket, or go on beside its successor."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals = signal.SIGKILL, *, parent: int = 0) -> None:
    """Asks the kernel for a signal at the parent's end, and ends at once if that has happened already.

    `parent` is its pid, where it told: a container's first process may be the parent itself, so that to have it for a parent
    says nothing, and while this process started the parent may have gone.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    now = os.getppid()
    if (now != parent) if parent else (now == 1):
        os._exit(1)
