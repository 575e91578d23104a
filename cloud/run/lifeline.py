"""Programs that end with the one that started them: a left one would keep a socket, or go on beside its successor."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals = signal.SIGKILL, *, parent_is_init: bool = False) -> None:
    """Asks the kernel for a signal at the parent's end, and ends at once if that has happened already.

    `parent_is_init`: a container's first process may be the parent itself, so having it for a parent says nothing.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() == 1 and not parent_is_init:
        os._exit(1)
