"""C12: each program has a user of its own, who reaches what the table gives it and nothing else.

Each user tries every file, folder and socket of a running cloud: what it gets must be in ALLOWED, all of which must be there.
"""

import errno
import grp
import json
import os
import pwd
import re
import shlex
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.run import files, settings, supervise, users
from cloud.run.settings import Refused
from cloud.run.users import USERS, Account, Accounts
from tests.live import CLONE, LiveCloud
from tests.rest import COMPUTE, IMAGE, Rest

pytestmark = [pytest.mark.lab, pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")]

PROGRAMS = {name: user for name, user in USERS.items() if name != "front"} | {
    "frontdoor": "stackling-front", "agent-fake": "stackling",
}  # fmt: skip

_FRONT = r"run/((web|bytes|sockets|nginx)/\w+\.sock|hashing\.sock|consoles/consoles\.sock)"
_DATABASE = r"data/database/db\.sqlite3(-wal|-shm|-turn)?"
_SAMPLES = r"data/telemetry/samples\.sqlite3(-wal|-shm)?"
_DEMO = r"data/cache/demo(/.*)?"  # the demo images, as they are built
_LOG = r"data/consoles/[^/]+\.log"  # a guest's console
_NONCE = r"run/nonces/\d+/\w+"  # one that an agent's request used up
#: User → what of a cloud it may read, write or connect to: a pattern of names, each of which something must match.
ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    "web": {
        "connect": (
            r"run/redis/redis\.sock",
            r"run/metrics/\w+/figures\.sock",
            r"run/haproxy-stats\.sock",
            r"run/web/web\.sock",
        ),
        "read": (
            _DATABASE,
            r"data/keys/(secret|settings(\.(api|web))?)",
            r"data/keys/tokens/\d",
            r"data/denials/denials\.jsonl",
            _LOG,
            r"data/policy\.yaml",
            r"data/cache/web/openapi\.json",
            _SAMPLES,
            _DEMO,
        ),
        "write": (_DATABASE, r"data/denials/denials\.jsonl", r"data/cache/web/openapi\.json", _SAMPLES),
        "list": (
            r"data/database",
            r"data/keys/tokens",
            r"data/denials",
            r"data/consoles",
            r"data/telemetry",
            r"data/cache/web",
            r"run/web",
            _DEMO,
        ),
        "change": (
            r"data/database",
            r"data/denials",
            r"data/consoles",
            r"data/telemetry",
            r"data/cache/web",
            r"run/web",
        ),
    },
    "bytes": {
        "connect": (
            r"run/redis/redis\.sock",
            r"run/metrics/bytes/figures\.sock",
            r"run/bytes/\w+\.sock",
            r"run/door/consoles\.sock",
            r"run/hosts/\w+/(vnc|serial)-[\w-]+\.sock",
        ),
        "read": (
            _DATABASE,
            r"data/keys/(secret|settings(\.api)?)",
            r"data/keys/tokens/\d",
            r"data/keys/hosts/.*",
            r"data/denials/denials\.jsonl",
            _LOG,
            r"data/images/[^/]+",
            r"data/policy\.yaml",
            _NONCE,
            _DEMO,
        ),
        "write": (
            _DATABASE,
            r"data/denials/denials\.jsonl",
            _LOG,
            r"data/images/[^/]+",
            _NONCE,
        ),
        "list": (
            r"data/database",
            r"data/keys/tokens",
            r"data/denials",
            r"data/consoles",
            r"data/images",
            r"run/(bytes|door|metrics/bytes)",
            r"run/nonces(/\d+)?",
            _DEMO,
        ),
        "change": (
            r"data/database",
            r"data/denials",
            r"data/consoles",
            r"data/images",
            r"run/(bytes|door|metrics/bytes)",
            r"run/nonces(/\d+)?",
        ),
    },
    "sockets": {
        "connect": (r"run/redis/redis\.sock", r"run/metrics/sockets/figures\.sock", r"run/sockets/sockets\.sock"),
        "read": (_DATABASE, r"data/keys/(secret|settings)", r"data/policy\.yaml", _DEMO),
        "write": (_DATABASE,),
        "list": (r"data/database", r"run/(sockets|metrics/sockets)", _DEMO),
        "change": (r"data/database", r"run/(sockets|metrics/sockets)"),
    },
    "control": {
        "connect": (r"run/redis/redis\.sock", r"run/metrics/control/figures\.sock", _FRONT),
        "read": (
            _DATABASE,
            _SAMPLES,
            r"data/keys/.*",
            r"data/passwords",
            r"data/policy\.yaml",
            r"data/images/[^/]+",
            r"data/denials/denials\.jsonl",
            _LOG,
            r"data/(backups|cache|hosts)/.*",
            r"run/nginx/nginx\.pid",
        ),
        "write": (
            _DATABASE,
            _SAMPLES,
            r"data/keys/.*",
            r"data/images/[^/]+",
            r"data/denials/.*",
            r"data/(backups|cache|hosts)/.*",
        ),
        "list": (
            r"data/(database|telemetry|keys|images|denials|consoles|backups|cache|hosts/fake\d)(/.*)?",
            r"run/metrics/control",
            r"run/hosts/fake\d(/.*)?",
        ),
        "change": (
            r"data/(database|telemetry|keys|images|denials|consoles|backups|cache|hosts/fake\d)(/.*)?",
            r"run/metrics/control",
            r"run/hosts(/fake\d.*)?",
        ),
    },
    "redis": {
        "connect": (r"run/redis/redis\.sock",),
        "list": (r"run/redis",),
        "change": (r"run/redis",),
    },
    "consoles": {
        "connect": (r"run/door/consoles\.sock", r"run/consoles/consoles\.sock"),
        "list": (r"run/consoles",),
        "change": (r"run/consoles",),
    },
    "front": {
        "connect": (_FRONT,),
        "read": (r"run/nginx/nginx\.pid",),
    },
    "nginx": {
        "connect": (_FRONT,),
        "read": (r"data/images/[^/]+", r"run/nginx/nginx\.pid", r"run/nginx\.conf"),
        "write": (r"run/nginx/nginx\.pid",),
        "list": (r"data/spool(/.*)?", r"run/nginx"),
        "change": (r"data/spool(/.*)?", r"run/nginx"),
    },
}
#: What anybody on the machine may: it says where the cloud is, and nothing that is secret.
ANYBODY = {
    "read": (r"data/ready", r"run/supervisor\.pid", r"run/ns/fabric/net"),
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
#: What an agent's request leaves behind.
_TAKES_A_NONCE = """
import django, secrets
django.setup()
from hosts.agents import envelope, once
assert once.take(secrets.token_hex(envelope.NONCE_BYTES))
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


def switched(program: str) -> dict[str, object]:
    """What of subprocess runs something as a program's user, in its groups."""
    entry = pwd.getpwnam(USERS[program])
    groups = [group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups, "umask": 0o077}


def as_user(program: str, code: str, data: Path) -> None:
    """Python in the cloud's code, as a program's user ("root": as ourselves)."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cloud.settings", "STACKLING_DATA": str(data)}
    environment |= {"HOME": f"{data}/cache", "PYTHONPATH": str(CLONE)}
    command = [sys.executable, "-c", code]
    how = {} if program == "root" else switched(program)
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=60, **how)  # type: ignore[call-overload]
    assert done.returncode == 0, (program, done.stderr)


def reached(program: str, places: dict[str, Path]) -> set[tuple[str, str]]:
    """(verb, name) of all that a process of this user gets at."""
    done = subprocess.run(  # type: ignore[call-overload]
        [sys.executable, "-c", _TRIES], input=json.dumps(everything(places)), capture_output=True, text=True, check=True,
        cwd="/", timeout=60, **switched(program),
    )  # fmt: skip
    found = set()
    for verb, path in json.loads(done.stdout):
        (name,) = [f"{word}{path[len(str(top)) :]}" for word, top in places.items() if path.startswith(str(top))]
        found.add((verb, name))
    return found


@pytest.fixture(scope="module")
def places(fake_cloud: LiveCloud) -> Iterator[dict[str, Path]]:
    """The cloud's folders, with an image in the store, a guest's screen on a host, as its agent leaves one, and a request's nonce."""
    rest = Rest(fake_cloud)
    image = rest.ok("POST", f"{IMAGE}/images", {"name": "seen", "container_format": "bare", "disk_format": "raw"})["id"]
    sent = rest.ask("PUT", f"{IMAGE}/images/{image}/file", b"bytes", **{"Content-Type": "application/octet-stream"})
    assert sent.status == 204, sent.text
    assert rest.ask("GET", f"{IMAGE}/images/{image}/file").content == b"bytes", "nginx sends what it may only read"
    assert Rest(fake_cloud, "demo").ask("GET", f"{COMPUTE}/os-services").status == 403  # a denial
    assert Rest(fake_cloud).ask("GET", "/api/schema/").status == 200
    bytes_ = pwd.getpwnam(USERS["bytes"])
    log, policy = fake_cloud.data / "consoles" / "guest.log", fake_cloud.data / "policy.yaml"
    as_user("bytes", "from compute.consoles import logs; logs.append('guest', 0, b'login:')", fake_cloud.data)
    as_user("bytes", _TAKES_A_NONCE, fake_cloud.data)
    policy.touch(mode=0o640)
    os.chown(policy, 0, grp.getgrnam(users.GROUPS["database"][0]).gr_gid)
    run = Path(fake_cloud.ready["run"])
    host = run / "hosts" / "host1"
    host.mkdir()
    os.chown(host, 0, bytes_.pw_gid)
    host.chmod(0o2711)
    screen = socket.socket(socket.AF_UNIX)
    screen.bind(str(host / "vnc-guest.sock"))
    (host / "vnc-guest.sock").chmod(0o660)
    screen.listen()
    samples, end = fake_cloud.data / "telemetry" / "samples.sqlite3-shm", time.monotonic() + 120
    while not samples.exists():  # until the hosts' first report, some 10 s after their start
        assert time.monotonic() < end, "no host has sent samples"
        time.sleep(0.2)
    yield {"data": fake_cloud.data, "run": run}
    screen.close()
    shutil.rmtree(host)
    log.unlink()
    policy.unlink()
    rest.ok("DELETE", f"{IMAGE}/images/{image}")


def test_each_program_runs_as_the_user_of_the_table(fake_cloud: LiveCloud) -> None:
    supervisor = supervise.ask(Path(fake_cloud.ready["run"]) / "supervisor.sock")
    pids = {info["name"]: info["pid"] for info in supervisor.getAllProcessInfo()}  # other tests have some started again
    for program, user in PROGRAMS.items():
        status = Path(f"/proc/{pids[program]}/status").read_text()
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


@pytest.mark.parametrize("program", ALLOWED)
def test_a_user_reaches_what_is_its_own_and_nothing_else(places: dict[str, Path], program: str) -> None:
    allowed = {
        verb: (*ALLOWED[program].get(verb, ()), *ANYBODY.get(verb, ()))
        for verb in ("read", "write", "list", "change", "connect")
    }
    got = reached(program, places)
    beyond = {(verb, name) for verb, name in got if not any(re.fullmatch(one, name) for one in allowed[verb])}
    assert not beyond, sorted(beyond)
    for verb, patterns in ALLOWED[program].items():
        for pattern in patterns:
            assert any(what == verb and re.fullmatch(pattern, name) for what, name in got), f"may not {verb} {pattern}"


#: What a taken-over program would look for first → who may open it.
SECRETS = {
    "passwords": {"control"},
    "clouds.yaml": set[str](),
    "keys/secret": {*users.DJANGO},
    "keys/settings": {*users.DJANGO},
    "keys/settings.api": {"control", "web", "bytes"},
    "keys/settings.web": {"control", "web"},
    "keys/settings.control": {"control"},
    "keys/broker": {"control"},
    "keys/tokens/1": {"control", "web", "bytes"},
    "keys/hosts/fake1.key": {"control", "bytes"},
    "database/db.sqlite3": {*users.DJANGO},
    "backups/last.json": {"control"},
    "logs/web.log": set[str](),
    ".lock": set[str](),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_opened_by_those_who_need_it_and_refused_to_all_others(fake_cloud: LiveCloud, name: str) -> None:
    if name == "backups/last.json":
        fake_cloud.manage("shell", "-c", "from cloud.backup import turn; turn.note(name='x')")
    code = "import os, sys\ntry: os.open(sys.argv[1], os.O_RDONLY)\nexcept OSError as error: sys.exit(error.errno)"
    for program in USERS:
        command = [sys.executable, "-c", code, str(fake_cloud.data / name)]
        done = subprocess.run(command, cwd="/", **switched(program))  # type: ignore[call-overload]
        assert done.returncode == (0 if program in SECRETS[name] else errno.EACCES), (program, name, done.returncode)


def test_what_root_reads_and_writes_is_nobody_elses(places: dict[str, Path]) -> None:
    """Whoever took control over could have had root: it owned what supervisord and haproxy read, and where they write."""
    roots = re.compile(r"run/(supervisor\.(conf|sock)|haproxy\.(cfg|sock)|errors\.map)|data/(\.lock|logs/.*)")
    for program in USERS:
        got = reached(program, places)
        assert not [found for found in got if roots.fullmatch(found[1])]
        assert not {("change", "data"), ("change", "run"), ("change", "data/logs"), ("write", "run/nginx.conf")} & got


# ── The folders, without a cloud ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def made() -> Iterator[settings.Cloud]:
    """The data folder of a cloud that has not run. Not in pytest's own, which each pytest that starts closes to others."""
    with tempfile.TemporaryDirectory(prefix="stackling-test-") as name:
        Path(name).chmod(0o755)
        cloud = settings.read({"STACKLING_DATA": f"{name}/var", "STACKLING_RUN": f"{name}/run"})
        cloud.data.mkdir()
        yield cloud


_WRITES = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS seen (n INTEGER)")
    cursor.execute("INSERT INTO seen VALUES (1)")
"""


def test_all_who_open_the_database_write_it_whoever_came_first(made: settings.Cloud) -> None:
    """SQLite's files beside it come and go: root's commands make them too, before and while others write, and lock nobody out."""
    accounts = users.accounts_of(made)
    files.folders(made, accounts)
    files.keys(made, accounts)
    database = made.data / "database" / "db.sqlite3"
    order = ("root", *users.DJANGO, "root", *reversed(users.DJANGO))
    for program in order:
        as_user(program, _WRITES, made.data)
        assert not database.with_name("db.sqlite3-wal").exists(), "the last who leaves takes it away"
    with closing(sqlite3.connect(database, isolation_level=None)) as link:
        link.execute("INSERT INTO seen VALUES (1)")
        assert database.with_name("db.sqlite3-wal").stat().st_size, "root's"
        for program in users.DJANGO:
            as_user(program, _WRITES, made.data)
        assert link.execute("SELECT count(*) FROM seen").fetchone() == (len(order) + 1 + len(users.DJANGO),)


def test_a_database_in_a_folder_that_not_all_may_write_is_refused_with_the_command_that_helps(
    made: settings.Cloud,
) -> None:
    own = made.data.parent / "of mine"
    own.mkdir()
    url = f"sqlite://{str(own).replace(' ', '%20')}/cloud.db"
    cloud = settings.read({**made.environment, "DATABASE_URL": url})
    accounts = users.accounts_of(cloud)
    with pytest.raises(Refused, match="chgrp stackling-database") as refused:
        files.folders(cloud, accounts)
    for command in str(refused.value).split("`")[1].split(" && "):
        subprocess.run(shlex.split(command), check=True)
    files.folders(cloud, accounts)
    facts = (own / "cloud.db").stat()
    assert facts.st_gid == accounts.groups["database"] and stat.S_IMODE(facts.st_mode) == 0o660


def test_each_has_the_secret_settings_that_it_needs(made: settings.Cloud) -> None:
    given = {
        "BROKER_URL": "amqp://the:broker@127.0.0.1/x",
        "STACKLING_METRICS_TOKEN": "figures",
        "STACKLING_BACKUP_S3_SECRET_KEY": "bucket",
    }
    cloud = settings.read({**made.environment, **given, "CHANNEL_URL": "redis://:channel@127.0.0.1/1"})
    accounts = users.accounts_of(cloud)
    files.folders(cloud, accounts)
    files.keys(cloud, accounts)
    files.secret_settings(cloud, accounts)
    assert not [name for name in cloud.child_environment() if name in {*given, "CHANNEL_URL"}]
    asked = "from django.conf import settings as s; got = [s.BROKER_URL.startswith('amqp'), s.METRICS_TOKEN, s.BACKUP_S3_SECRET_KEY, ':channel' in s.CHANNEL_URL]"
    for program, has in {
        "web": [True, "figures", "", True], "bytes": [True, "", "", True], "sockets": [False, "", "", True], "control": [True, "figures", "bucket", True],
    }.items():  # fmt: skip
        as_user(program, f"{asked}; assert got == {has!r}, got", cloud.data)


def test_what_programs_make_for_others_is_theirs_to_use(made: settings.Cloud) -> None:
    """Umasks are 077: what one makes and another needs says so."""
    accounts = users.accounts_of(made)
    files.folders(made, accounts)
    files.keys(made, accounts)
    append = "from compute.consoles import logs; logs.append('guest', {0}, b'x'); logs.append('guest', 9, b'y')"
    denied = (
        "import django; django.setup(); from authorization import denials; from authorization.context import RequestContext; from types import SimpleNamespace as N\n"
        "denials.note(RequestContext(user_id='u', request_id='{0}'), N(as_dict=dict)); assert denials.of_request('{0}')"
    )
    part = (
        "from images import stores; store = stores.default()\n"
        "with store.put('{0}') as part: part.write(b'x'); part.settle()"
    )
    as_user("bytes", append.format(0), made.data)
    as_user(
        "web",
        "from compute.consoles import logs; assert logs.tail('guest') == 'y'; assert logs.size('guest') == 10",
        made.data,
    )
    as_user(
        "control", "from compute.consoles import logs; logs.forget('guest'); assert not logs.tail('guest')", made.data
    )
    for program in ("web", "bytes", "control", "web"):
        as_user(program, denied.format(program), made.data)
    as_user("bytes", part.format("one"), made.data)
    as_user(
        "control",
        part.format("two") + "; assert b''.join(store.get('one')) == b'x'; stores.remove('one')",
        made.data,
    )
    as_user(
        "bytes",
        "from images import stores; stores.remove('two'); assert not list(stores.default().folder.iterdir())",
        made.data,
    )


def several() -> Accounts:
    """Numbers that no account has."""
    accounts = {name: Account(user, 31001 + n, 31001 + n) for n, (name, user) in enumerate(USERS.items())}
    groups = {name: 31101 + n for n, name in enumerate(users.GROUPS)}
    return Accounts(Account("root", 0, 0), accounts, groups)


def test_a_layout_of_before_is_mended_at_start(tmp_path: Path) -> None:
    """An upgrade: everything was stackling's, 0700 and 0600, and the database lay among the rest."""
    tmp_path.chmod(0o711)
    cloud = settings.read({"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run")})
    accounts = several()
    control, groups = accounts.control, accounts.groups
    for name in (
        "keys/tokens",
        "keys/hosts",
        "images",
        "logs",
        "cache/nginx/answers",
        "consoles/given",
        "consoles/revoked",
        "backups",
    ):
        (cloud.data / name).mkdir(parents=True, mode=0o700)
    for name in (
        "images/one", "logs/web.log", "keys/console.key", "consoles/given/x", "consoles/guest.log", "logs/denials.jsonl", "keys/secret",
        "keys/settings", "keys/broker", "keys/tokens/1", "keys/hosts/host1.key", "passwords", "clouds.yaml", "policy.yaml",
        "cache/openapi.json", "db.sqlite3", "db.sqlite3-wal", "db.sqlite3-turn",
    ):  # fmt: skip
        (cloud.data / name).touch(mode=0o600)
    (cloud.data / "db.sqlite3").write_text("rows")
    for path in (cloud.data, *cloud.data.rglob("*")):
        os.chown(path, control.uid, control.gid)
    for _ in range(2):
        files.folders(cloud, accounts)
        facts = {
            str(path.relative_to(cloud.data)): (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode))
            for path in cloud.data.rglob("*")
        }  # fmt: skip
        of = {name: accounts.of(name).uid for name in USERS}
        database = (of["control"], groups["database"])
        assert facts["database"] == (*database, 0o2770) and facts["database/db.sqlite3"] == (*database, 0o660)
        assert facts["database/db.sqlite3-wal"] == facts["database/db.sqlite3-turn"] == (*database, 0o660)
        assert (cloud.data / "database" / "db.sqlite3").read_text() == "rows" and "db.sqlite3" not in facts
        assert facts["images"] == (of["control"], of["bytes"], 0o2771)
        assert facts["images/one"] == (of["control"], groups["images"], 0o640)
        assert facts["keys"] == (*database, 0o2710) and facts["keys/secret"] == facts["keys/settings"] == (
            *database,
            0o640,
        )
        assert facts["keys/broker"] == (of["control"], of["control"], 0o600)
        assert facts["keys/tokens/1"] == (of["control"], groups["api"], 0o640)
        assert facts["keys/hosts/host1.key"] == (of["control"], of["bytes"], 0o640)
        assert facts["consoles/guest.log"] == (of["bytes"], groups["api"], 0o640)
        assert facts["spool"] == (of["nginx"], of["nginx"], 0o700)
        assert facts["passwords"] == (0, of["control"], 0o640) and facts["clouds.yaml"] == (0, 0, 0o600)
        assert facts["policy.yaml"] == (0, groups["database"], 0o640)
        assert facts["logs"] == (0, 0, 0o700) and facts["logs/web.log"] == (0, 0, 0o600)
        assert not facts.keys() & {
            "cache/nginx", "consoles/given", "consoles/revoked", "keys/console.key", "logs/denials.jsonl", "cache/openapi.json",
        }  # fmt: skip
    (cloud.data / "db.sqlite3").touch()
    with pytest.raises(Refused, match="two databases"):
        files.folders(cloud, accounts)


def test_a_link_in_a_folder_that_others_write_is_not_followed(tmp_path: Path) -> None:
    """root mends, and whoever took web over may write beside the database."""
    cloud = settings.read({"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run")})
    files.folders(cloud, several())
    victim = tmp_path / "shadow"
    victim.touch(mode=0o600)
    (cloud.data / "database" / "db.sqlite3-shm").symlink_to(victim)
    with pytest.raises(Refused, match="is a link"):
        files.folders(cloud, several())
    assert (victim.stat().st_uid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o600)


def test_where_nobody_is_root_all_is_the_starters_own(tmp_path: Path) -> None:
    cloud = settings.read({"STACKLING_DATA": str(tmp_path / "var"), "STACKLING_RUN": str(tmp_path / "run")})
    files.folders(cloud, Accounts.one(Account("root", 0, 0)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in cloud.data.iterdir() if path.name != "hosts"}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
