"""The keeper of daemons: one process for each, found again by the next agent, never another's, and its death is told."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hostagent.machine import confinement, daemons
from hostagent.machine.daemons import Daemon, Daemons, Process

pytestmark = pytest.mark.process

BACKGROUND = "import os, time\nif os.fork():\n    os._exit(0)\nos.setsid()\nos.closerange(0, 3)\ntime.sleep(60)"
FOREGROUND = "import time; time.sleep(60)"
SPOILED = ("", "{", '["c", 1]', '["c", {"daemon": {}}]', '["c", {"daemon": {"command": 1}, "processes": [[1]]}]')


@pytest.fixture(autouse=True)
def a_row_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(confinement.DAEMONS, "test", confinement.Confined())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Ends whatever a test left."""
    yield tmp_path
    for pid in named(tmp_path):
        os.kill(pid, signal.SIGKILL)


def named(folder: Path) -> list[int]:
    """Every process that lives and has a file of this folder in its command line, whoever it is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it ended meanwhile
                if str(folder) in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(entry.name))
    return found


def daemon_of(folder: Path, name: str = "one", code: str = BACKGROUND, net: str = "") -> Daemon:
    config = folder / f"{name}.conf"
    return Daemon(f"sleeper {name}", "test", (sys.executable, "-c", code, f"--conf-file={config}"), str(config), net)


def until(check: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_the_next_agent_finds_a_daemon_and_starts_no_second(folder: Path) -> None:
    one = daemon_of(folder)
    first = Daemons(folder)
    assert first.ensure(one) is True and first.ensure(one) is False
    [pid] = named(folder)
    following = Daemons(folder)  # after kill -9: nothing was said to the first
    assert following.ensure(one) is False and following.restart_dead() == []
    assert named(folder) == [pid]
    (folder / "daemons.journal").unlink()
    forgetful = Daemons(folder)  # that of an older version, which kept no record
    assert forgetful.ensure(one) is False
    assert [process.pid for process in forgetful.find(one)] == [pid]


@pytest.mark.parametrize("name", ["a=b", "=", "with space", "caf\udce9", "n\nl"])
def test_one_whose_file_has_an_odd_name_is_found_and_started_once(name: str, folder: Path) -> None:
    config = str(folder / f"{name}.conf")
    for option in ("--conf-file=", "--opt=file="):
        daemon = Daemon(f"odd {option}", "test", (sys.executable, "-c", BACKGROUND, f"{option}{config}"), config)
        keeper = Daemons(folder)
        assert keeper.ensure(daemon)
        (process,) = keeper.find(daemon)
        assert not Daemons(folder).ensure(daemon) and named(folder) == [process.pid]
        assert keeper.restart_dead() == []
        keeper.remove(daemon)


def test_a_daemon_that_died_while_no_agent_ran_is_started_by_the_next(folder: Path) -> None:
    one = daemon_of(folder)
    Daemons(folder).ensure(one)
    [pid] = named(folder)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not named(folder))
    following = Daemons(folder)
    assert following.restart_dead() == ["sleeper one"] and following.deaths == {"sleeper one": 1}
    assert len(named(folder)) == 1


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_record_that_is_spoiled_counts_as_none(spoiled: str, folder: Path) -> None:
    (folder / "daemons.journal").write_text(spoiled)
    keeper = Daemons(folder)
    assert keeper.restart_dead() == [] and keeper.ensure(daemon_of(folder)) is True


@pytest.mark.parametrize("kind", ["another program", "another user"])
def test_a_foreign_process_is_neither_taken_for_it_nor_ended(kind: str, folder: Path) -> None:
    one = daemon_of(folder)
    Path(one.config).touch()
    if kind == "another user":
        if os.geteuid():
            pytest.skip("only root starts a process of another user")
        foreign = subprocess.Popen(
            [sys.executable, "-c", FOREGROUND, f"--conf-file={one.config}"],
            user=65534,
            cwd="/",
            stderr=subprocess.DEVNULL,
        )
    else:
        foreign = subprocess.Popen(["tail", "-f", one.config], stdout=subprocess.DEVNULL)
    try:
        keeper = Daemons(folder)
        assert keeper.find(one) == []
        assert keeper.ensure(one) is True, "it would not run at all"
        assert foreign.pid not in [process.pid for process in keeper.find(one)]
        keeper.remove(one)
        assert foreign.poll() is None, "another's process was ended"
    finally:
        foreign.kill()
        foreign.wait()


def test_a_number_that_another_process_has_by_now_is_not_signalled(folder: Path) -> None:
    one = daemon_of(folder)
    keeper = Daemons(folder)
    keeper.ensure(one)
    [found] = keeper.find(one)
    daemons._send(Process(found.pid, found.began - 1), one, signal.SIGKILL)  # the one that began before has ended
    time.sleep(0.1)
    assert keeper.find(one) == [found]
    daemons._send(found, one, signal.SIGKILL)
    until(lambda: not keeper.find(one))


def test_two_starts_at_once_make_one(folder: Path) -> None:
    one = daemon_of(folder)
    keepers = [Daemons(folder), Daemons(folder)]  # an agent that ends, and the one that begins
    started: list[bool] = []
    threads = [
        threading.Thread(target=lambda keeper=keeper: started.append(keeper.ensure(one)))
        for keeper in keepers
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [False] * 5 + [True]
    assert len(named(folder)) == 1


def test_the_death_of_a_daemon_is_noticed_and_told(folder: Path) -> None:
    told: list[tuple[str, int, str]] = []
    keeper = Daemons(folder, lambda *facts: told.append(facts))
    one, other = daemon_of(folder), daemon_of(folder, "other")
    keeper.ensure(one)
    keeper.ensure(other)
    assert keeper.restart_dead() == [] and told == []
    for process in keeper.find(one):
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not keeper.find(one))
    before = keeper.find(other)
    assert keeper.restart_dead() == ["sleeper one"]
    assert told == [("sleeper one", 1, "it was started again")]
    assert len(keeper.find(one)) == 1 and keeper.find(other) == before


def test_one_that_cannot_be_started_again_is_told_and_holds_up_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, str]] = []
    keeper = Daemons(folder, lambda *facts: told.append(facts))
    broken, one = daemon_of(folder, "broken", "raise SystemExit('no such option')"), daemon_of(folder)
    with pytest.raises(confinement.NotStarted, match="no such option"):
        keeper.ensure(broken)
    keeper.ensure(one)
    for process in keeper.find(one):
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not keeper.find(one))
    assert keeper.restart_dead() == ["sleeper one"]
    assert [name for name, _count, _detail in told] == ["sleeper broken", "sleeper one"]
    assert "no such option" in told[0][2]
    assert keeper.restart_dead() == [] and len(told) == 2, "it is tried again after a pause, not at each look"


def test_a_daemon_whose_namespace_is_gone_is_left(folder: Path) -> None:
    (folder / "daemons.journal").touch()
    keeper = Daemons(folder)
    keeper._note(daemon_of(folder, net=str(folder / "netns" / "gone")), [])
    assert keeper.restart_dead() == [] and keeper.deaths == {}


def test_a_changed_row_or_a_restart_ends_the_old_one_first(folder: Path) -> None:
    one = daemon_of(folder)
    keeper = Daemons(folder)
    keeper.ensure(one)
    [first] = named(folder)
    prepared: list[list[int]] = []
    assert keeper.ensure(one, restart=True, prepare=lambda: prepared.append(named(folder)))
    [second] = named(folder)
    assert second != first and prepared == [[]]
    assert keeper.ensure(Daemon(one.name, one.kind, (*one.command, "--more"), one.config))
    [third] = named(folder)
    assert third != second


def test_what_is_removed_is_gone_and_stays_so(folder: Path) -> None:
    one = daemon_of(folder, code="import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BACKGROUND)
    keeper = Daemons(folder)
    keeper.ensure(one)
    keeper.remove(one)  # by force
    assert named(folder) == [] and keeper.restart_dead() == [] and Daemons(folder).restart_dead() == []


def test_one_that_was_found_is_found_again_without_a_walk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = daemon_of(folder)
    keeper = Daemons(folder)
    keeper.ensure(one)
    walk, walks = daemons._walk, []
    monkeypatch.setattr(daemons, "_walk", lambda rows: walks.append(1) or walk(rows))
    for _ in range(20):
        assert len(keeper.find(one)) == 1 and keeper.restart_dead() == []
    assert walks == []
