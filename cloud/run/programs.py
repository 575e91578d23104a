"""The programs of a cloud: what supervisord keeps up, and as whom."""

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.run import nginx
from cloud.run.environment import PROXIES
from cloud.run.settings import CLONE, Cloud
from cloud.run.users import Accounts
from hostagent.drivers.registry import VARIABLES

#: Requests that web serves at a time. They wait on the database, not on hosts.
WEB_THREADS = 4

#: Environment of programs that ask no other machine: no proxies, for a proxy's address may hold a password.
STAYS = dict.fromkeys(PROXIES, "")

#: Most that the embedded Redis may hold; then it refuses more, and senders wait and say so (operations/broker_memory.py warns).
REDIS_MEMORY = "256mb"


@dataclass(frozen=True)
class Program:
    """One supervised program. `root`: it must start as root (it may drop that by itself)."""

    name: str
    command: tuple[str, ...]
    root: bool = False
    user: str = "control"  # of users.USERS
    environment: dict[str, str] = field(default_factory=dict)
    stop_seconds: int = 10
    priority: int = 100
    own_stdout: str = ""  # the name of a log for stdout alone; else it goes with stderr into <name>.log
    whole_group: bool = True  # stop signals go to its children too; not for agents, whose guests must stay


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _web(cloud: Cloud, mode: str) -> tuple[str, ...]:
    socket = str(cloud.web_socket)
    return _python(
        "-m", "cloud.run.serve", socket, "--", sys.executable, "-m", "granian", "--uds", socket,
        "--uds-permissions", mode, "--interface", "wsgi", "--workers", "1", "--respawn-failed-workers", "--workers-kill-timeout", "5s",
        "--no-access-log", "--log-level", "warning", "--blocking-threads", str(WEB_THREADS), "--no-ws", "cloud.run.web:application",
    )  # fmt: skip


def _sockets(cloud: Cloud) -> tuple[str, ...]:
    socket = f"{cloud.run}/sockets/sockets.sock"
    return _python("-m", "cloud.run.serve", socket, "--", sys.executable, "-m", "cloud.run.sockets", socket)


def _control(cloud: Cloud) -> Program:
    return Program(
        "control",
        _python("-m", "celery", "--quiet", "-A", "cloud.run.control", "worker", "--queues", "control", "--pool", "threads", "--concurrency", "6",
                "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
                "--hostname", f"control@{cloud.id}"),
        environment={"STACKLING_SQLITE_SYNCHRONOUS": "NORMAL"},  # its steps are done again; a promise waits for the disk
    )  # fmt: skip


def _redis(cloud: Cloud, mode: str) -> Program:
    return Program(
        "redis",
        ("redis-server", "--port", "0", "--unixsocket", f"{cloud.run}/redis/redis.sock", "--unixsocketperm", mode,
         "--maxmemory", REDIS_MEMORY, "--maxmemory-policy", "noeviction", "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning",
         "--databases", "4", "--dir", f"{cloud.run}/redis"),
        user="redis",
        environment=STAYS,
        priority=10,
    )  # fmt: skip


def control_plane(cloud: Cloud, proxy_as_root: bool, *, several_users: bool = False) -> list[Program]:
    """List everything but the host agents. The reverse proxy starts as root where it binds inside a namespace."""
    mode = "0660" if several_users else "0600"  # of sockets that do not see for themselves
    programs = [
        Program("web", _web(cloud, mode), user="web"),
        Program("sockets", _sockets(cloud), user="sockets"),
        _control(cloud),
        Program(
            "consoles",
            _python("-m", "cloud.run.consoles", f"{cloud.run}/consoles/consoles.sock", f"{cloud.run}/door/consoles.sock"),
            user="consoles",
            environment=STAYS,
        ),
        Program("bytes", _python("-m", "cloud.run.bytes"), user="bytes"),
        Program(
            "nginx",
            _python("-m", "cloud.run.serve", *map(str, (nginx.proxy_socket(cloud), nginx.agents(cloud))), "--",
                    "nginx", "-e", "stderr", "-c", f"{cloud.run}/nginx.conf"),
            user="nginx",
            environment=STAYS,
            priority=190,
        ),
        # The reverse proxy. Operators, log files and supervisord know it as frontdoor.
        Program(
            "frontdoor", ("haproxy", "-db", "-f", f"{cloud.run}/haproxy.cfg"), root=proxy_as_root, priority=200,
            own_stdout="access", environment=STAYS,
        ),
    ]  # fmt: skip
    if cloud.needs_redis:
        programs.append(_redis(cloud, mode))
    return programs


def agents(cloud: Cloud, underlay: dict[str, str]) -> list[Program]:
    """List one agent a host, inside the host's namespaces, and one for all fake hosts. `underlay`: host → its address."""
    common = {
        "STACKLING_CONTROL": f"unix:{nginx.agents(cloud)}",
        "STACKLING_HOST_KEY_FILE": f"{cloud.data}/keys/hosts",
        "STACKLING_BROKER_FILE": f"{cloud.data}/keys/broker",
    }
    worker = _python("-OO", "-m", "hostagent.agent.worker")  # without docstrings: 8 MiB less each
    found = [
        Program(
            f"agent-{host}",
            (*_python("-m", "hostagent.machine.namespaces", "enter", host, "--"), *worker),
            root=True,
            environment={
                **common,
                "STACKLING_HOST": host,
                "STACKLING_DRIVER": "libvirt",
                "STACKLING_UNDERLAY_IP": underlay[host],
            },
            priority=150,
            whole_group=False,
        )
        for host in cloud.host_names
    ]
    if cloud.fake_hosts:
        fake = {
            **common,
            "STACKLING_HOST": ",".join(cloud.fake_host_names),
            "STACKLING_DRIVER": "fake",
            **dict.fromkeys(VARIABLES.values(), ""),  # the real hosts' own
            "STACKLING_UNDERLAY_IP": "",
        }
        found.append(Program("agent-fake", worker, environment=fake, priority=150, whole_group=False))
    return found


def _section(program: Program, cloud: Cloud, accounts: Accounts) -> str:
    def plain(text: str) -> str:  # supervisor expands % in values
        return text.replace("%", "%%")

    environment = ",".join(f'{k}="{plain(v)}"' for k, v in program.environment.items())
    lines = [
        f"[program:{program.name}]",
        f"command={plain(shlex.join(program.command))}",
        f"directory={CLONE}",
        f"priority={program.priority}",
        "autorestart=true",
        "startsecs=1",
        # Backing off grows by a second a try; it is never given up.
        "startretries=1000000",
        f"stopwaitsecs={program.stop_seconds}",
        f"stopasgroup={str(program.whole_group).lower()}",
        f"killasgroup={str(program.whole_group).lower()}",
        f"redirect_stderr={str(not program.own_stdout).lower()}",
        f"stdout_logfile={cloud.logs}/{program.own_stdout or program.name}.log",
        f"stdout_logfile_maxbytes={'50MB' if program.own_stdout else '10MB'}",
        "stdout_logfile_backups=2",
    ]
    if program.own_stdout:
        lines += [
            f"stderr_logfile={cloud.logs}/{program.name}.log",
            "stderr_logfile_maxbytes=10MB",
            "stderr_logfile_backups=2",
        ]
    if environment:
        lines.append(f"environment={environment}")
    if accounts.of(program.user).is_other and not program.root:
        lines.append(f"user={accounts.of(program.user).name}")
    return "\n".join(lines)


def supervisor_config(name: str, programs: Iterable[Program], cloud: Cloud, accounts: Accounts) -> str:
    """Return the configuration of one supervisord, whose control socket is `<run>/<name>.sock`."""
    starter = accounts.starter  # may ask how the agents are, which run under root's
    owner = f"chown={starter.name}\n" if starter.uid else ""
    head = f"""\
; Written by `make run`; changes here are lost.
[unix_http_server]
file={cloud.run}/{name}.sock
chmod=0700
{owner}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
nodaemon=true
silent=true
logfile={cloud.logs}/{name}.log
logfile_maxbytes=5MB
logfile_backups=1
loglevel=info
umask=077
pidfile={cloud.run}/{name}.pid
childlogdir={cloud.logs}
directory={CLONE}
minfds=4096
"""
    return "\n\n".join([head, *(_section(program, cloud, accounts) for program in programs)]) + "\n"
