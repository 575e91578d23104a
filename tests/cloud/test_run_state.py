"""What a start makes and keeps: keys, passwords, stamps, copies of the database."""

import os
import pwd
import shlex
import sqlite3
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from django.db import connections

from cloud.run import files, prepare, programs, reverse_proxy, settings, users
from cloud.run.settings import Refused
from cloud.run.steps import Steps, hash_files
from cloud.run.users import Account, Accounts
from common.sqlite import base


@pytest.fixture
def me():
    entry = pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.fixture
def here(tmp_path):
    return settings.read(
        {"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run"), "STACKLING_FAKE_HOSTS": "2"}
    )


def snapshot(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def start(here, me):
    files.folders(here, Accounts.one(me))
    files.keys(here, Accounts.one(me))
    files.clouds_yaml(here, Accounts.one(me), files.passwords(here, Accounts.one(me)))
    return snapshot(here.data)


def test_a_second_start_changes_no_key_and_no_password(here, me):
    assert start(here, me) == start(here, me)
    assert {"host1.key", "fake1.key", "fake2.key"} == {path.name for path in (here.data / "keys" / "hosts").iterdir()}


def test_what_is_secret_is_readable_by_its_owner_only(here, me):
    files.folders(here, Accounts.one(me))
    files.keys(here, Accounts.one(me))
    files.clouds_yaml(here, Accounts.one(me), files.passwords(here, Accounts.one(me)))
    for path in [*(here.data / "keys").rglob("*"), here.data / "passwords", here.data / "clouds.yaml"]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_given_password_replaces_a_made_one(here, me, tmp_path):
    files.folders(here, Accounts.one(me))
    made = files.passwords(here, Accounts.one(me))
    given = settings.read({**here.environment, "STACKLING_DEMO_PASSWORD": "kept-by-me"})
    assert files.passwords(given, Accounts.one(me)) == {"admin": made["admin"], "demo": "kept-by-me"}
    files.clouds_yaml(given, Accounts.one(me), files.passwords(given, Accounts.one(me)))
    assert (
        yaml.safe_load((given.data / "clouds.yaml").read_text())["clouds"]["demo"]["auth"]["password"] == "kept-by-me"
    )


@pytest.mark.lab
def test_a_place_that_the_control_planes_user_cannot_reach_is_refused_with_the_command_that_helps():
    """C12: a clone or data under a closed folder made everything run as root, in silence."""
    with tempfile.TemporaryDirectory(prefix="stackling closed ") as name:  # 0700, and a blank: the command must be one
        data = Path(name) / "var"
        data.mkdir()
        cloud = settings.read({"STACKLING_DATA": str(data)})
        with pytest.raises(Refused) as refusal:
            users.control_account(cloud)
        command = str(refusal.value).partition("`")[2].partition("`")[0]
        assert command.startswith("chmod o+x ")
        subprocess.run(shlex.split(command), check=True)
        assert users.control_account(cloud).name == users.SERVICE_USER
        Path(name).chmod(0o700)
        assert users.control_account(settings.read({"STACKLING_DATA": str(data), "STACKLING_USER": "root"})).uid == 0


@pytest.mark.lab
def test_what_a_cut_start_left_is_taken_over(here, me):
    """Case 56: a first build that was cut, or ran as another, left a folder that the next start could not write."""
    files.folders(here, Accounts.one(me))
    left = here.data / "cache" / "demo"
    left.mkdir()
    (left / ".code").touch()
    os.chown(left, 12345, 12345)
    os.chown(left / ".code", 12345, 12345)
    files.folders(here, Accounts.one(me))
    assert {path.stat().st_uid for path in (left, left / ".code")} == {me.uid}
    of_a_host = here.data / "hosts" / "fake1" / "cache"  # one that is simulated: its agent is not root
    of_a_host.mkdir()
    os.chown(of_a_host, 12345, 12345)
    files.folders(here, Accounts.one(me))
    assert of_a_host.stat().st_uid == me.uid


def test_a_step_runs_again_only_when_its_inputs_changed(tmp_path):
    runs, source = [], tmp_path / "in"
    for text in ("a", "a", "b"):
        source.write_text(text)
        Steps().once("copy", tmp_path / "stamp", hash_files([source]), lambda: runs.append(1))
    assert len(runs) == 2


def test_a_step_that_fails_is_not_stamped(tmp_path):
    def fail():
        raise Refused("no")

    with pytest.raises(Refused):
        Steps().once("bad", tmp_path / "stamp", "x", fail)
    assert not (tmp_path / "stamp").exists()


def test_three_copies_of_the_database_are_kept(tmp_path, monkeypatch, django_db_blocker):
    source = tmp_path / "db.sqlite3"
    with sqlite3.connect(source) as db:
        db.execute("CREATE TABLE kept (word TEXT)")
        db.execute("INSERT INTO kept VALUES ('still here')")
    entry = {**connections.settings["default"], "ENGINE": "common.sqlite", "NAME": str(source), "OPTIONS": {}}
    of_the_tests, connections["default"] = connections["default"], base.DatabaseWrapper(entry, "default")
    try:
        with django_db_blocker.unblock():
            copy = _five_copies(tmp_path, monkeypatch)
    finally:
        connections["default"].close()
        connections["default"] = of_the_tests
    assert sorted(path.name[-9] for path in (tmp_path / "backups").iterdir()) == ["2", "3", "4"]
    assert sqlite3.connect(copy).execute("SELECT word FROM kept").fetchone() == ("still here",)


def _five_copies(tmp_path, monkeypatch):
    for second in range(5):
        monkeypatch.setattr(prepare.time, "strftime", lambda *_, n=second: f"20260101-00000{n}")
        copy = prepare.copy_database(tmp_path / "backups")
    return copy


@pytest.mark.django_db
def test_a_database_newer_than_the_code_is_refused():
    from django.db.migrations.recorder import MigrationRecorder

    recorder = MigrationRecorder.Migration.objects
    recorder.create(app="identity", name="9999_from_the_future")
    with pytest.raises(Refused, match=r"identity\.9999_from_the_future"):
        prepare.migrate()


def test_the_reverse_proxy_takes_its_root_away_and_hides_internal_paths(here):
    text = reverse_proxy.config(here, user="stackling", group="stackling")
    assert "    user stackling\n" in text
    assert f"bind 127.0.0.1:{here.port}\n" in text
    assert "^/+internal(/|$)" in text


def test_only_agents_start_as_root_and_keep_their_guests(here, me):
    accounts = {name: Account(user, me.uid + n, me.gid + n) for n, (name, user) in enumerate(users.USERS.items(), 1)}
    others = Accounts(me, accounts, {})
    everything = programs.control_plane(here, True) + programs.agents(here, {"host1": "10.0.0.1"})
    assert {program.name for program in everything if program.root} == {"agent-host1", "frontdoor"}
    text = programs.supervisor_config("supervisor", everything, here, others)
    sections = dict(part.split("]\n", 1) for part in text.split("[program:")[1:])
    assert "stopasgroup=false" in sections["agent-host1"] and "user=" not in sections["agent-host1"]
    for name in ("web", "bytes", "nginx", "control", "sockets", "consoles", "redis", "agent-fake"):
        assert f"user={users.USERS.get(name, 'stackling')}" in sections[name].splitlines()
    for name, section in sections.items():  # who asks no other machine has no proxy's password
        assert ('https_proxy=""' in section) == (name in ("nginx", "consoles", "redis", "frontdoor"))
