"""`make run`: from whatever there is to a cloud that answers, then in the foreground until told to stop."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from cloud.run import files, hosts, nginx, programs, ready, reverse_proxy, supervise, vendor, watch
from cloud.run.settings import CLONE, Cloud, Refused
from cloud.run.steps import Steps, hash_files, hash_tree_facts, run, stream_steps
from cloud.run.users import Account, Accounts, accounts_of, as_root
from hostagent.contract.version import RELEASE

#: While it is there, a restore (cloud.backup.restoring) was begun and not ended.
UNFINISHED = ".restoring"
STAMPS = CLONE / ".venv" / "stamps"


def prepare_clone(steps: Steps) -> None:
    """Make the files that depend on the clone alone: front-end files, translations, static files, byte code.

    Several clouds of one clone may start at once: one prepares, the others wait and find it done.
    """
    if not os.access(CLONE, os.W_OK):
        return
    STAMPS.mkdir(parents=True, exist_ok=True)
    with (STAMPS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _prepare_clone(steps)


def _prepare_clone(steps: Steps) -> None:
    steps.once("front-end packages", STAMPS / "vendor", vendor.inputs_hash(), vendor.make)
    catalogs = sorted({*CLONE.glob("*/locale/*/LC_MESSAGES/*.po"), *CLONE.glob("locale/*/LC_MESSAGES/*.po")})
    compiled = [str(path.with_suffix(".mo").exists()) for path in catalogs]
    steps.once("texts", STAMPS / "texts", hash_files(catalogs, *compiled, "True"), lambda: _compile_texts(catalogs))
    static = [path for path in (CLONE / "static", *sorted(CLONE.glob("*/static"))) if path.is_dir()]
    pins = hash_files([CLONE / "requirements" / "base.txt", CLONE / "cloud" / "staticfiles.py"])
    steps.once("static files", STAMPS / "static", hash_tree_facts(static, pins), _collect_static)
    # The control plane's account may not write into the clone, and would compile every module at every start.
    packages = [str(path.parent) for path in CLONE.glob("*/__init__.py")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *packages], cwd=CLONE, stdout=subprocess.DEVNULL)


def _compile_texts(catalogs: list[Path]) -> None:
    for catalog in catalogs:
        run(["msgfmt", "--check-format", "-o", str(catalog.with_suffix(".mo")), str(catalog)])


def _collect_static() -> None:
    # django_htmx/ext holds modules that import what is not there ("htmx"), at which the manifest storage stops.
    leave = ["--ignore", "ext", "--ignore", "icons.txt"]
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0", *leave]
    run(command, cwd=CLONE, env=_quiet_environment())


def _quiet_environment() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cloud.settings",
        "STACKLING_SECRET_KEY": "collecting-signs-nothing",
    }


def _only_one(cloud: Cloud) -> IO[str]:
    """The lock that one `make run` of this cloud holds as long as it lives."""
    # Open to this user alone: any other who could open it could hold it. No link: the folder is control's, and we may be root.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.fdopen(os.open(cloud.data / ".lock", flags, 0o600), "a+")
    os.fchmod(lock.fileno(), 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(
            f"This cloud ({cloud.data}) runs already: {cloud.public_url}. Stop it with `make stop`."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


@contextmanager
def at_rest(cloud: Cloud) -> Iterator[None]:
    """Hold the cloud's lock, so that none of its processes starts meanwhile; guests may run. Raises: Refused if the cloud runs."""
    with _only_one(cloud):
        for name in ("supervisor", "agents"):  # also of one whose lock was deleted with all else
            if supervise.pid_of(cloud, name) is not None:
                raise Refused(f"This cloud ({cloud.data}) runs already. Stop it with `make stop`: its guests go on.")
        yield


def write_configs(cloud: Cloud, accounts: Accounts, underlay: dict[str, str]) -> list[str]:
    """Write the configurations of the reverse proxy and the supervisors as the starter's files: no other user may write what root reads.

    Gives the supervisors' names: one of root's own only when split.
    """
    root = os.geteuid() == 0
    proxy_as_root = root or bool(cloud.netns)
    front, starter, several = accounts.of("front"), accounts.starter, accounts.are_several
    becomes = {"user": front.name, "group": _group(front)} if proxy_as_root and front.uid != 0 else {}
    entry = reverse_proxy.config(cloud, **becomes, reader=accounts.of("web").name if several else "")
    own = (starter.uid, starter.gid, 0o600)
    files.write(cloud.run / "haproxy.cfg", entry, own)
    files.write(cloud.run / "errors.map", reverse_proxy.errors_map(), own)
    # nginx reads it as its own user, and nobody else does
    files.write(cloud.run / "nginx.conf", nginx.config(cloud), accounts.rights("starter", "nginx", 0o640))
    everything = programs.control_plane(cloud, proxy_as_root, several_users=several) + programs.agents(cloud, underlay)
    split = {"supervisor": everything} if root else {
        "supervisor": [p for p in everything if not p.root],
        "agents": [p for p in everything if p.root],
    }  # fmt: skip
    split = {name: parts for name, parts in split.items() if parts}
    for name, parts in split.items():
        files.write(cloud.run / f"{name}.conf", programs.supervisor_config(name, parts, cloud, accounts), own)
    return list(split)


def _group(account: Account) -> str:
    import grp

    return grp.getgrgid(account.gid).gr_name


def facts(cloud: Cloud, account: Account, steps: Steps, pids: dict[str, int]) -> dict[str, object]:
    """Content of the `ready` file. Its `pids` are by supervisord's names, so the reverse proxy is `frontdoor`."""
    import django

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=CLONE, capture_output=True, text=True
    ).stdout.strip()
    return {
        "cloud": cloud.id,
        "urls": {
            "portal": cloud.public_url + "/",
            "identity": cloud.auth_url,
            "schema": f"{cloud.public_url}/api/schema/",
            "docs": f"{cloud.public_url}/api/docs/",
        },
        "pids": {"run": os.getpid(), **pids},
        "versions": {
            "release": RELEASE,
            "stackling": commit or "unknown",
            "django": django.get_version(),
            "python": sys.version.split()[0],
        },
        "external_namespace": cloud.netns,
        "external_cidr": str(cloud.external),
        "external_gateway": str(cloud.external.network_address + 1),
        "run": str(cloud.run),
        "control_user": account.name,
        "hosts": cloud.host_names + cloud.fake_host_names,
        "seconds": steps.seconds,
        "seconds_total": round(time.monotonic() - steps.started, 2),
    }


def _block(cloud: Cloud, seconds: float) -> str:
    openstack = Path(sys.executable).parent / "openstack"
    line = f"OS_CLIENT_CONFIG_FILE={cloud.data}/clouds.yaml {openstack} --os-cloud demo server list"
    rows = [
        f"Stackling is ready after {seconds:.1f} s.",
        f"  Portal      {cloud.public_url}/",
        f"  Sign in     demo, admin (passwords are in {cloud.data}/passwords)",
        f"  Command     {line}",
        f"  Floating IP {cloud.external}, reachable from {'namespace ' + cloud.netns if cloud.netns else 'this machine'}",
        f"  Logs        {cloud.logs}",
        "  Stop        Ctrl C here, or `make stop`: guests go on. `make clean` removes everything.",
    ]
    return "\n" + "\n".join(rows) + "\n"


def _make_state(cloud: Cloud, steps: Steps) -> Accounts:
    """Folders, keys, passwords; the accounts that own them."""
    with steps.step("keys and folders") as notes:
        cloud.data.mkdir(parents=True, exist_ok=True)
        accounts = accounts_of(cloud)
        hosts.run_folder(cloud, accounts)
        files.folders(cloud, accounts)
        files.keys(cloud, accounts)
        known = files.passwords(cloud, accounts)
        files.clouds_yaml(cloud, accounts, known)
        files.secret_settings(cloud, accounts)
        own = sorted({one.name for one in accounts.users.values()})
        notes.append(f"programs run as {', '.join(own)}")
    return accounts


ADDRESS_SECONDS = 120.0  # how long a machine that boots may take until it has the address to listen on


def _check_port(cloud: Cloud) -> None:
    """Wait until this machine has the address to listen on, and see that nobody has the port.

    Raises: Refused.
    """
    until, told = time.monotonic() + ADDRESS_SECONDS, False
    while (error := _unusable(cloud)) is not None:
        if error.errno != errno.EADDRNOTAVAIL:
            raise Refused(
                f"Port {cloud.port} on {cloud.listen} cannot be used ({error.strerror}). Choose another with STACKLING_PORT."
            )
        if time.monotonic() > until:
            raise Refused(
                f"This machine has no address {cloud.listen}, which STACKLING_LISTEN names. Give it that address, or name another."
            )
        if not told:
            print(f"  Waiting until this machine has the address {cloud.listen} …", flush=True)
            told = True
        time.sleep(1)


def _unusable(cloud: Cloud) -> OSError | None:
    """Try to bind the cloud's address and port: the error, or None if they are free."""
    with socket.socket(socket.AF_INET6 if ":" in cloud.listen else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((cloud.listen, cloud.port))
        except OSError as error:
            return error
    return None


def up(cloud: Cloud) -> int:
    """Runs the cloud until SIGTERM or Ctrl C. Gives the exit status."""
    steps = Steps()
    print(f"Stackling {cloud.id} in {cloud.data}", flush=True)
    cloud.data.mkdir(parents=True, exist_ok=True)
    lock = _only_one(cloud)
    if (cloud.data / UNFINISHED).exists():
        raise Refused(
            f"A restore into {cloud.data} was begun and did not end. Run `manage.py cloud_restore` again; what was here before is in"
            f" {cloud.data}/replaced."
        )
    (cloud.data / "ready").unlink(missing_ok=True)
    for name in ("supervisor", "agents"):  # left by a `make run` that was killed
        supervise.stop(cloud, name)
    _check_port(cloud)
    prepare_clone(steps)
    accounts = _make_state(cloud, steps)
    environment = cloud.child_environment()
    underlay: dict[str, str] = {}
    if cloud.hosts or cloud.netns:
        with steps.step("hosts' namespaces"):
            underlay, notices = hosts.up(cloud)
            hosts.open_console_sockets(cloud, accounts)
        for notice in notices:
            print(f"  Note: {notice}.", flush=True)
    stream_steps(
        steps,
        [sys.executable, "-m", "cloud.run.prepare", str(os.getpid())],
        cwd=CLONE,
        env=environment,
        umask=0o077,
        **accounts.control.switch(),
    )
    names = write_configs(cloud, accounts, underlay)
    try:
        return _serve(cloud, accounts, steps, names, lock.fileno())
    finally:
        (cloud.data / "ready").unlink(missing_ok=True)
        lock.close()


def _serve(cloud: Cloud, accounts: Accounts, steps: Steps, names: list[str], lock: int) -> int:
    """Starts the supervisors, waits until all answers, says so, and goes on as what watches them. Told to stop before: 0."""
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    for number in watch.STOP:
        signal.signal(number, stop)
    children = {name: supervise.start(cloud, name, through=as_root([]) if name == "agents" else []) for name in names}
    try:
        with steps.step("processes"):
            pids = ready.wait_until_ready(cloud, names, stopping)
        if not stopping:
            for name, child in children.items():
                pids[name] = supervise.pid_of(cloud, name) or child.pid
            files.ready(cloud, accounts, facts(cloud, accounts.control, steps, pids))
            print(_block(cloud, time.monotonic() - steps.started), flush=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, watch.STOP)  # what comes from here on is heard by what we become
        if not stopping:
            watch.become(lock, {name: child.pid for name, child in children.items()})
        return 0
    finally:
        watch.end(cloud, names)


def _runner(cloud: Cloud) -> int | None:
    """The pid of the `make run` that holds this cloud's lock, if one does."""
    path = cloud.data / ".lock"
    if not path.exists():
        return None
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def stop(cloud: Cloud) -> int:
    """Stops the cloud: control plane and agents. Guests and their networks stay."""
    ran = _stop(cloud)
    print("Stopped. Guests and their networks go on; `make clean` removes them." if ran else "Nothing ran.")
    return 0


def _stop(cloud: Cloud) -> bool:
    """Whether anything ran."""
    pid = _runner(cloud)
    if pid:
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError:
            raise Refused(f"This cloud was started by another user (process {pid}): stop it as that user.") from None
        until = time.monotonic() + 60
        while _runner(cloud) and time.monotonic() < until:
            time.sleep(0.1)
    left = [name for name in ("supervisor", "agents") if supervise.stop(cloud, name)]
    return bool(pid or left)


def clean(cloud: Cloud) -> int:
    """Stops the cloud and removes guests, networks and all state."""
    _stop(cloud)
    if cloud.run.exists() or (cloud.data / "hosts").exists():
        hosts.down(cloud)
    for place in (cloud.run, cloud.data):
        if place.exists():
            subprocess.run(as_root(["rm", "-rf", "--one-file-system", str(place)]), check=True)
    print(f"Removed {cloud.data}.")
    return 0
