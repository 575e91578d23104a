"""Writers of SQLite queue: who waits goes on as soon as the one before is done, in this process and across processes."""

import subprocess
import sys
import threading
import time

import pytest
from django.db import ConnectionHandler, OperationalError

pytestmark = pytest.mark.sqlite

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def connections(tmp_path, django_db_blocker):
    """A handler of its own: a file, and transactions as the cloud begins them."""
    options = {"transaction_mode": "IMMEDIATE", "timeout": 0.4, "init_command": "PRAGMA journal_mode=WAL"}
    handler = ConnectionHandler(
        {"default": {"ENGINE": "common.sqlite", "NAME": str(tmp_path / "some.sqlite3"), "OPTIONS": options}}
    )
    with django_db_blocker.unblock():
        with handler["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE counter (value integer)")
            cursor.execute("INSERT INTO counter VALUES (0)")
        yield handler
        handler["default"].close()


def begin(connection):
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(connection, verb="commit"):
    getattr(connection, verb)()
    connection.set_autocommit(True)


def raise_counter(connections, times):
    link = connections["default"]
    for _ in range(times):
        begin(link)
        with link.cursor() as cursor:
            cursor.execute("SELECT value FROM counter")
            value = cursor.fetchone()[0]
            cursor.execute("UPDATE counter SET value = %s", [value + 1])
        end(link)
    link.close()


@pytest.mark.process
def test_writers_in_threads_lose_nothing_and_are_never_refused(connections):
    threads = [threading.Thread(target=raise_counter, args=(connections, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connections["default"].cursor() as cursor:
        assert cursor.execute("SELECT value FROM counter").fetchone()[0] == 800


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_the_turn_ends_with_the_transaction(connections, verb):
    link = connections["default"]
    begin(link)
    waiting = threading.Thread(target=raise_counter, args=(connections, 1))
    waiting.start()
    time.sleep(0.1)
    assert waiting.is_alive(), "a second writer came in"
    end(link, verb)
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_closed_connection_holds_no_turn(connections):
    link = connections["default"]
    begin(link)
    link.close()
    raise_counter(connections, 1)


def test_too_long_a_wait_is_a_locked_database(connections):
    link = connections["default"]
    begin(link)
    refused = []

    def write():
        try:
            begin(connections["default"])
        except OperationalError as error:
            refused.append(str(error))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(10)
    end(link)
    assert refused == ["database is locked"]


@pytest.mark.process
def test_another_process_holds_the_turn_until_it_dies(connections):
    link = connections["default"]
    begin(link)
    end(link)
    path = f"{link.settings_dict['NAME']}-turn"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OperationalError, match="locked"):
            begin(link)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    begin(link)
    end(link)
