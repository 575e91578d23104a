"""Item 7 and C7: what supervisord keeps of programs' words outlives a full disk, has an end, and holds no secret."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from supervisor import loggers

from cloud.run.supervisord import Log


def _logger(path: Path, most: int = 10_000) -> tuple[loggers.Logger, Log]:
    log, handler = loggers.getLogger(), Log(str(path), "ab", most, 2)
    handler.setFormat("%(message)s")
    log.addHandler(handler)
    return log, handler


@contextmanager
def _full(handler: Log) -> Iterator[None]:
    """Every write to the log's file finds no room, as /dev/full has it."""
    kept, full = os.dup(handler.stream.fileno()), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, handler.stream.fileno())
    yield
    os.dup2(kept, handler.stream.fileno())
    os.close(kept)
    os.close(full)


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STACKLING_LOG_FORMAT", request.param)
    return str(request.param)


def test_a_log_goes_on_after_a_full_disk(tmp_path: Path, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    """C7: nothing raises (supervisord would let go of the program's output, which would then block), nothing is printed, and
    the log says how much it lost."""
    log, handler = _logger(tmp_path / "web.log")
    log.info(b"before\n")
    with _full(handler):
        for _ in range(1000):
            log.info(b"x" * 99 + b"\n")
    log.info(b"after\n")
    lines = (tmp_path / "web.log").read_text().splitlines()
    said = [json.loads(line)["message"] for line in lines] if form == "json" else lines
    assert said[0] == "before" and said[-1] == "after" and "bytes of this log found no room" in said[1]
    assert len(lines) == 3 and capfd.readouterr() == ("", "")


def test_a_log_whose_next_file_cannot_be_made_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: the sibling: the disk is full when a log is turned over; supervisord's own handler would write no line again."""
    log, handler = _logger(tmp_path / "web.log", 2000)

    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handler, "_rename", refuse)
    for n in range(100):
        log.info(b"%090d\n" % n)
    monkeypatch.undo()
    for n in range(100, 200):
        log.info(b"%090d\n" % n)
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert f"{199:090d}" in text and f"{0:090d}" not in text


def test_logs_are_bounded(tmp_path: Path, form: str) -> None:
    """Item 7: a log and two before it; a line without an end is cut."""
    log, _handler = _logger(tmp_path / "web.log", 200_000)
    for _ in range(400):
        log.info(b"y" * 10_000)
    files = list(tmp_path.iterdir())
    assert len(files) == 3 and sum(path.stat().st_size for path in files) < 3 * 400_000


def test_each_line_of_any_program_is_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 7: redis, nginx and haproxy write text; what writes JSON already stays as it is; colours and secrets go."""
    monkeypatch.setenv("STACKLING_LOG_FORMAT", "json")
    log, handler = _logger(tmp_path / "nginx.log")
    own = '{"time": "now", "level": "info", "logger": "web", "message": "hello"}'
    log.info(b"\x1b[31mred\x1b[0m /console/?token=abc\nhalf of ")
    log.info(f"a line\n{own}\n".encode())
    found = [json.loads(line) for line in (tmp_path / "nginx.log").read_text().splitlines()]
    assert [one["message"] for one in found] == ["red /console/?token=…", "half of a line", "hello"]
    assert {one["logger"] for one in found} == {"nginx", "web"} and all(one["time"] and one["level"] for one in found)
    handler.setFormat("%(asctime)s %(levelname)s %(message)s\n")
    log.warn("spawned: 'web'\nwith pid 1")
    last = json.loads((tmp_path / "nginx.log").read_text().splitlines()[-1])
    assert (last["logger"], last["level"], last["message"]) == ("supervisord", "warning", "spawned: 'web'\\nwith pid 1")


def test_what_is_as_wanted_is_not_called_critical(tmp_path: Path, form: str) -> None:
    """Root starts the programs and gives each its user; the socket is its starter's alone. Other critical lines stay."""
    log, handler = _logger(tmp_path / "supervisor.log")
    handler.setFormat("%(asctime)s %(levelname)s %(message)s\n")
    log.critical("Supervisor is running as root.  Privileges were not dropped because no user is specified")
    log.critical("Server 'unix_http_server' running without any HTTP authentication checking")
    log.critical("could not write pidfile")
    lines = (tmp_path / "supervisor.log").read_text().splitlines()
    assert len(lines) == 1 and "could not write pidfile" in lines[0]
