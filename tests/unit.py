"""`make test-unit`: the tests that need no root, no process and no socket, and a guard that holds them to it.

Which tests these are is seen at their collection: none with a mark that needs more (MARKS), none of the folders that take minutes
(FOLDERS), none with a fixture that makes more than a transaction's rows (FIXTURES). What opens a socket or starts a process all the same fails, whatever it does with the refusal: it needs
the mark `process`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Marks of tests that need more than this process.
MARKS = frozenset({"lab", "vm", "browser", "slow", "machine", "process"})
#: Fixtures of tests whose rows are really committed, as those of a whole simulated cloud are, or that are served: minutes in all.
FIXTURES = frozenset({"transactional_db", "live_server", "cloud", "two_hosts", "fake_cloud"})
#: Folders whose tests ask every route of every API, or wait for a whole tool.
FOLDERS = frozenset({"openstackapi", "fuzz", "tenants", "flows"})
#: Audit events of CPython of what leaves the process. A pair of sockets within it raises none.
REFUSED = frozenset(
    {
        "socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.forkpty",
        "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.setuid", "os.chroot", "os.setns", "os.unshare",
    }
)  # fmt: skip


class Refused(RuntimeError):
    """What a unit test must not do."""


def _is_nobody(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether a socket file is connected to that is not there, as a broker's is in tests: this fails by itself."""
    return event == "socket.connect" and isinstance(arguments[1], str) and not Path(arguments[1]).exists()


class Guard:
    """Refuses and notes what a test does outside of its process. An audit hook stays for the life of the process, so it is switched."""

    def __init__(self) -> None:
        self.is_on = False
        self.done: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_on and event in REFUSED and not _is_nobody(event, arguments):
            self.done.append(f"{event} {arguments[:2]}"[:200])
            raise Refused(f"a unit test does no {event}; give it the mark `process`")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self.is_on = True
        try:
            return (yield)
        finally:
            self.is_on = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        found = yield
        done, self.done = self.done, []
        if done:
            pytest.fail(f"It needs the mark `process`: {done[0]}", pytrace=False)
        return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--unit", action="store_true", help="only tests without root, processes and sockets, held to that")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--unit"):
        config.pluginmanager.register(Guard())


def is_unit(item: pytest.Item) -> bool:
    """Whether a test is one of a unit, by its marks and fixtures."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if item.path.parent.name in FOLDERS:
        return False
    return not MARKS & {mark.name for mark in item.iter_markers()} and not FIXTURES & fixtures


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--unit"):
        return
    others = [item for item in items if not is_unit(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if is_unit(item)]
