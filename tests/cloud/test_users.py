"""C12: what parses strangers' bytes has users of its own, who reach what the table gives them and nothing else.

Each user tries every file, folder and socket of a running cloud: what it gets must be in ALLOWED, all of which must be there.
"""

import grp
import json
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.run import files, settings, users
from cloud.run.users import Account, Accounts
from tests.live import LiveCloud
from tests.rest import IMAGE, Rest

pytestmark = [pytest.mark.lab, pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")]

PROGRAMS = {
    "consoles": users.CONSOLES_USER, "nginx": users.NGINX_USER, "frontdoor": users.FRONT_USER, "web": users.SERVICE_USER,
    "bytes": users.SERVICE_USER, "control": users.SERVICE_USER, "sockets": users.SERVICE_USER, "redis": users.SERVICE_USER,
}  # fmt: skip

_FRONT = r"run/(front/\w+\.sock|nginx/(door|agents)\.sock|hashing\.sock)"
#: User → what of a cloud it may read, write or connect to: a pattern of names, each of which something must match.
ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    users.CONSOLES_USER: {
        "connect": (r"run/door/consoles\.sock", r"run/consoles/consoles\.sock"),
        "list": (r"run/consoles",),
        "change": (r"run/consoles",),
    },
    users.FRONT_USER: {
        "connect": (_FRONT, r"run/consoles/consoles\.sock"),
        "read": (r"run/nginx/nginx\.pid",),
    },
    users.NGINX_USER: {
        "connect": (_FRONT, r"run/consoles/consoles\.sock"),
        "read": (r"data/images/[^/]+", r"run/nginx/nginx\.pid"),
        "write": (r"run/nginx/nginx\.pid",),
        "list": (r"data/spool(/.*)?", r"run/nginx"),
        "change": (r"data/spool(/.*)?", r"run/nginx"),
    },
}
#: What anybody on the machine may: it says where the cloud is, and nothing that is secret.
ANYBODY = {
    "read": (r"data/ready", r"run/nginx\.conf", r"run/supervisor\.pid", r"run/ns/fabric/net"),
    "list": (r"run", r"run/hosts", r"run/ns(/.*)?"),
}

_TRIES = """
import json, os, socket, stat, sys
got = []
def tries(what, path, act):
    try:
        act()
    except OSError:
        return
    got.append((what, path))
def connect(path):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as line:
            line.settimeout(5)
            try:
                line.connect(path)
                return
            except OSError as error:
                last = error
    raise last
def opens(path, flags):
    os.close(os.open(path, flags | os.O_NONBLOCK))
def change(path):
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError
for path, kind in json.load(sys.stdin):
    if kind == "socket":
        tries("connect", path, lambda: connect(path))
    elif kind == "folder":
        tries("list", path, lambda: os.listdir(path))
        tries("change", path, lambda: change(path))
    else:
        tries("read", path, lambda: opens(path, os.O_RDONLY))
        tries("write", path, lambda: opens(path, os.O_WRONLY))
print(json.dumps(got))
"""


def everything(places: dict[str, Path]) -> list[tuple[str, str]]:
    found = []
    for top in places.values():
        for path in (top, *top.rglob("*")):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISLNK(mode):
                kind = "socket" if stat.S_ISSOCK(mode) else "folder" if stat.S_ISDIR(mode) else "file"
                found.append((str(path), kind))
    return found


def reached(user: str, places: dict[str, Path]) -> set[tuple[str, str]]:
    """(verb, name) of all that a process of this user gets at."""
    entry = pwd.getpwnam(user)
    groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
    done = subprocess.run(
        [sys.executable, "-c", _TRIES], input=json.dumps(everything(places)), capture_output=True, text=True, check=True,
        user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups, cwd="/", timeout=60,
    )  # fmt: skip
    found = set()
    for verb, path in json.loads(done.stdout):
        (name,) = [f"{word}{path[len(str(top)) :]}" for word, top in places.items() if path.startswith(str(top))]
        found.add((verb, name))
    return found


@pytest.fixture
def places(fake_cloud: LiveCloud) -> Iterator[dict[str, Path]]:
    """The cloud's folders, with an image in the store and a guest's screen on a host, as its agent leaves one."""
    rest = Rest(fake_cloud)
    image = rest.ok("POST", f"{IMAGE}/images", {"name": "seen", "container_format": "bare", "disk_format": "raw"})["id"]
    sent = rest.ask("PUT", f"{IMAGE}/images/{image}/file", b"bytes", **{"Content-Type": "application/octet-stream"})
    assert sent.status == 204, sent.text
    assert rest.ask("GET", f"{IMAGE}/images/{image}/file").content == b"bytes", "nginx sends what it may only read"
    run = Path(fake_cloud.ready["run"])
    host = run / "hosts" / "host1"
    host.mkdir()
    os.chown(host, 0, pwd.getpwnam(users.SERVICE_USER).pw_gid)
    host.chmod(0o2771)
    screen = socket.socket(socket.AF_UNIX)
    screen.bind(str(host / "vnc-guest.sock"))
    (host / "vnc-guest.sock").chmod(0o660)
    screen.listen()
    yield {"data": fake_cloud.data, "run": run}
    screen.close()
    shutil.rmtree(host)
    rest.ok("DELETE", f"{IMAGE}/images/{image}")


def test_each_program_runs_as_the_user_of_the_table(fake_cloud: LiveCloud) -> None:
    for program, user in PROGRAMS.items():
        status = Path(f"/proc/{fake_cloud.ready['pids'][program]}/status").read_text()
        ids = {
            line.split()[0]: line.split()[1:]
            for line in status.splitlines()
            if line.startswith(("Uid", "Gid", "Groups"))
        }
        entry = pwd.getpwnam(user)
        assert set(ids["Uid:"]) == {str(entry.pw_uid)}, (program, ids)
        assert set(ids["Gid:"]) == {str(entry.pw_gid)}, (program, ids)
        known = {str(group.gr_gid) for group in grp.getgrall() if user in group.gr_mem}
        assert set(ids["Groups:"]) <= known | {str(entry.pw_gid)}, (program, ids)


@pytest.mark.parametrize("user", ALLOWED)
def test_a_user_reaches_what_is_its_own_and_nothing_else(places: dict[str, Path], user: str) -> None:
    allowed = {
        verb: (*ALLOWED[user].get(verb, ()), *ANYBODY.get(verb, ()))
        for verb in ("read", "write", "list", "change", "connect")
    }
    got = reached(user, places)
    beyond = {(verb, name) for verb, name in got if not any(re.fullmatch(one, name) for one in allowed[verb])}
    assert not beyond, sorted(beyond)
    for verb, patterns in ALLOWED[user].items():
        for pattern in patterns:
            assert any(what == verb and re.fullmatch(pattern, name) for what, name in got), f"may not {verb} {pattern}"


def test_control_has_what_it_needs_and_not_what_root_reads(places: dict[str, Path]) -> None:
    """Whoever took control over could have had root: it owned what supervisord and haproxy read, and where they write."""
    got = reached(users.SERVICE_USER, places)
    names = {name for verb, name in got if verb == "read"}
    assert {"data/db.sqlite3", "data/keys/secret"} <= names and ("connect", "run/hosts/host1/vnc-guest.sock") in got
    roots = re.compile(r"run/(supervisor\.(conf|sock)|haproxy\.(cfg|sock)|errors\.map)|data/(\.lock|logs/.*)")
    assert not [found for found in got if roots.fullmatch(found[1])]
    assert ("write", "run/nginx.conf") not in got and ("change", "data/logs") not in got
    run = places["run"].stat()
    assert run.st_uid == 0 and run.st_mode & stat.S_ISVTX, "what root reads could be moved away and replaced"


def test_a_layout_of_one_user_is_mended_at_start(tmp_path: Path) -> None:
    """An upgrade: everything was stackling's, 0700 and 0600."""
    tmp_path.chmod(0o711)
    cloud = settings.read({"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run")})
    control = Account("stackling", 31001, 31001)
    for name in ("keys", "images", "logs", "cache/nginx/answers", "consoles/given", "consoles/revoked"):
        (cloud.data / name).mkdir(parents=True, mode=0o700)
    for name in ("images/one", "logs/web.log", "keys/console.key", "consoles/given/x", "logs/denials.jsonl"):
        (cloud.data / name).touch(mode=0o600)
    for path in (cloud.data, *cloud.data.rglob("*")):
        os.chown(path, control.uid, control.gid)
    root = Account("root", 0, 0)
    several = Accounts(root, control, *(Account(name, 31002 + n, 31002 + n) for n, name in enumerate(("f", "n", "c"))))
    for _ in range(2):
        files.folders(cloud, several)
        facts = {
            str(path.relative_to(cloud.data)): (
                path.stat().st_uid,
                path.stat().st_gid,
                stat.S_IMODE(path.stat().st_mode),
            )
            for path in cloud.data.rglob("*")
        }
        assert facts["images"] == (31001, 31003, 0o2710) and facts["images/one"] == (31001, 31003, 0o640)
        assert facts["keys"] == (31001, 31001, 0o700) and facts["spool"] == (31003, 31003, 0o700)
        assert facts["logs"] == (0, 0, 0o700) and facts["logs/web.log"][0] == 0
        assert (
            not {"cache/nginx", "consoles/given", "consoles/revoked", "keys/console.key", "logs/denials.jsonl"}
            & facts.keys()
        )


def test_where_nobody_is_root_all_is_the_starters_own(tmp_path: Path) -> None:
    cloud = settings.read({"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run")})
    files.folders(cloud, Accounts.one(Account("root", 0, 0)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in cloud.data.iterdir() if path.name != "hosts"}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
