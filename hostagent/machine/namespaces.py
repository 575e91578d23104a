"""Hosts in namespaces: what `make run` and the lab tests use in place of machines.

    python -m hostagent.machine.namespaces up --hosts host1,host2 [--external 172.24.4.0/24] [--netns NAME] [--nat-out 1]
    python -m hostagent.machine.namespaces enter host1 -- CMD …
    python -m hostagent.machine.namespaces status --json
    python -m hostagent.machine.namespaces down

A host is a pair of namespaces (network + mount), pinned to files under the run directory, so that it outlives whoever
made it and a later `up` finds its guests. All hosts hang on a *fabric*, one more network namespace:

    host1: under0 ──┐                              ┌── ext0 in br-ex :host1
                    ├─ fab0  (fabric)  br-ex ──────┤
    host2: under0 ──┘  underlay          │         └── ext0 in br-ex :host2
                                         └── stk-<cloud> in the outer namespace, with the external gateway address

The outer namespace is the machine's own or the one named by STACKLING_NETNS. It gets that one link and nothing else
(and, with --nat-out 1, one nft table of ours). `cloud` is the first 8 hex digits of the SHA-256 of the data path.

With `--mode machine` the one host lives in the outer namespace itself: hostagent/machine/real_machine.py.
"""

import argparse
import hashlib
import ipaddress
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hostagent.contract import inet
from hostagent.drivers.network.linux_bridge.links import EXTERNAL_BRIDGE
from hostagent.machine import fences, outside, reach, real_machine
from hostagent.machine.pinned_namespaces import (
    CannotBuild,
    Cloud,
    Record,
    bridge,
    inside,
    is_pinned,
    pin,
    run,
    unpin,
    wire,
)

DEFAULT_EXTERNAL: Final = "172.24.4.0/24"
MODES: Final = ("namespace", "machine")
UNDERLAY_MTU: Final = 1550  # VXLAN takes 50 bytes, so that a tenant network keeps 1500
LIBVIRT_DIRECTORIES: Final = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
STOP_SECONDS: Final = 5.0  # how long a host's processes have to end before they are killed


def furnish(cloud: Cloud, host: str) -> None:
    """Give a new host its own /run, /sys and libvirt directories, in its mount namespace."""
    home = cloud.data / "hosts" / host
    stage = home / "run"
    stage.mkdir(parents=True, exist_ok=True)
    (cloud.run / "hosts" / host).mkdir(parents=True, exist_ok=True)
    script = ["set -e"]  # mount -n: its table of mounts lies in the /run that we are about to hide
    for name, target in LIBVIRT_DIRECTORIES.items():
        own = home / "libvirt" / name
        fresh = not own.exists()
        own.mkdir(parents=True, exist_ok=True)
        if not Path(target).is_dir():
            continue  # libvirt is not installed: the fake driver needs none of this
        if fresh and name == "etc":
            run("cp", "-a", f"{target}/.", str(own))
        script.append(f"mount -n --bind {shlex.quote(str(own))} {target}")
    script.append(f"mount -n -t tmpfs -o mode=755 tmpfs {shlex.quote(str(stage))}")
    if cloud.run.is_relative_to("/run"):  # the sockets shared with control stay reachable at the same path
        seat = stage / cloud.run.relative_to("/run")
        script.append(f"mkdir -p {shlex.quote(str(seat))}")
        script.append(f"mount -n --bind {shlex.quote(str(cloud.run))} {shlex.quote(str(seat))}")
    script += [f"mount -n --move {shlex.quote(str(stage))} /run", "mkdir -p /run/lock /run/netns /run/libvirt"]
    # So that /sys/class/net shows this host's links. A machine's own /sys is the same instance of sysfs, and is refused as
    # busy in the place of itself: an empty file system goes between.
    script += ["mount -n -t tmpfs tmpfs /sys", "mount -n -t sysfs sysfs /sys"]
    run("nsenter", f"--mount={cloud.mnt(host)}", f"--net={cloud.net(host)}", "sh", "-c", "\n".join(script))


def build_fabric(cloud: Cloud) -> Path:
    pin(cloud, "fabric", mount=False)
    net = cloud.net("fabric")
    bridge(net, "fab0", mtu=UNDERLAY_MTU)
    bridge(net, "br-ex", mtu=1500)
    return net


def build_host(cloud: Cloud, host: str, number: int, outer: Path | None, *, shared: bool) -> None:
    """`shared`: the host lives in the outer network namespace, and needs no links to it."""
    own = outer or Path("/proc/self/ns/net")
    if pin(cloud, host, mount=True, net=own if shared else None):
        try:
            furnish(cloud, host)
        except CannotBuild:
            unpin(cloud, host)  # half a host is worse than none: the next `up` starts afresh
            raise
    if shared:
        return
    fabric, net = cloud.net("fabric"), cloud.net(host)
    wire(fabric, f"u{number}", net, "under0", mtu=UNDERLAY_MTU, master="fab0")
    inside(net, "ip", "addr", "replace", f"{cloud.underlay_ip(number)}/24", "dev", "under0")
    bridge(net, "br-ex", mtu=1500)
    wire(fabric, f"x{number}", net, "ext0", mtu=1500, master="br-ex")
    inside(net, "ip", "link", "set", "ext0", "master", "br-ex", "up")
    fences.around_host(net, ipaddress.IPv4Network(f"{cloud.underlay_ip(number)}/24", strict=False))


# ── Commands ────────────────────────────────────────────────────────────────────────────────────────────────────────


def up(
    cloud: Cloud,
    hosts: Sequence[str],
    *,
    netns: str,
    external: str,
    nat_out: bool,
    mode: str = "namespace",
    underlay_ip: str = "127.0.0.1",
    proxy_port: int = 0,
) -> dict[str, object]:
    """Make or complete the namespaces of `hosts`. May be repeated; other hosts made earlier are kept.

    `underlay_ip` is what a machine's tunnels start from; namespaces have addresses of their own. `proxy_port` is the one port
    at the machine's own end that guests may reach, 0 for none.

    Raises: CannotBuild when the external range clashes, the mode changed, or a command fails.
    """
    range_, is_machine = ipaddress.IPv4Network(external), mode == "machine"
    record = cloud.read()
    _refuse_other_mode(record, mode)
    real_machine.load_bridge_filter()
    if record.get("netns", netns) != netns:
        outside.remove(cloud, record)
    link = EXTERNAL_BRIDGE if is_machine else cloud.outer_link
    outer, made = outside.prepare(cloud, netns, range_, link, is_machine)
    record |= {"netns": netns, "external": str(range_), "nat_out": nat_out, "cloud": cloud.id, "mode": mode}
    record["netns_made"] = made or (bool(netns) and record.get("netns_made", False))
    if is_machine:
        record["underlay_ip"] = underlay_ip
    _number(record["hosts"], hosts)
    cloud.write(record)  # before anything is made, so that `down` always knows what to look for
    if not is_machine:
        build_fabric(cloud)
    outside.build(cloud, outer, link, range_, is_machine)
    outside.let_out(cloud, outer, range_, record, link=link, nat=nat_out)
    fences.around_gateway(cloud, outer, link=link, proxy_port=proxy_port, nat=nat_out, marked=is_machine)
    for host in hosts:
        build_host(cloud, host, record["hosts"][host], outer, shared=is_machine)
        reach.ensure(cloud, host)
    cloud.write(record)
    return status(cloud)


def _number(numbers: dict[str, int], hosts: Sequence[str]) -> None:
    """Give each host that has none the smallest number that is free."""
    for host in hosts:
        if host not in numbers:
            numbers[host] = min(set(range(1, 251)) - set(numbers.values()))


def _refuse_other_mode(record: Record, mode: str) -> None:
    if record["hosts"] and record.get("mode", MODES[0]) != mode:
        raise CannotBuild(
            f"The hosts of this cloud were made with STACKLING_HOST_MODE={record.get('mode', MODES[0])}. Go on with that, or"
            " begin anew with `make clean`, which removes its guests."
        )


def processes_in(mounts: set[int]) -> list[int]:
    """Ids of the processes whose mount namespace is one of these inodes: those that live on our hosts."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            inode = (entry / "ns" / "mnt").stat().st_ino
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while we looked, or is out of our reach and so not on a host of ours
        if inode in mounts:
            found.append(int(entry.name))
    return found


def end_processes(mounts: set[int]) -> None:
    for sign, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        for pid in processes_in(mounts):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        until = time.monotonic() + patience
        while processes_in(mounts) and time.monotonic() < until:
            time.sleep(0.05)
    if left := processes_in(mounts):
        raise CannotBuild(f"Processes {left} on the hosts of this cloud do not end.")


def down(cloud: Cloud) -> None:
    """End every process on the hosts and remove all namespaces, links and tables. Nothing there is fine too."""
    record = cloud.read()
    hosts = list(record["hosts"])
    pinned = {cloud.mnt(h).stat().st_ino for h in hosts if is_pinned(cloud.mnt(h))}
    end_processes(pinned)
    for host in hosts:
        unpin(cloud, host)
    outside.remove(cloud, record)
    if is_pinned(cloud.net("fabric")):  # its veths end with it, and with them their far ends
        unpin(cloud, "fabric")
    for path in sorted(cloud.pinned.rglob("*"), reverse=True) if cloud.pinned.exists() else ():
        path.rmdir() if path.is_dir() else path.unlink()
    if cloud.pinned.exists():
        cloud.pinned.rmdir()
    cloud.record.unlink(missing_ok=True)


def status(cloud: Cloud) -> dict[str, object]:
    """{"cloud", "external", "gateway", "netns", "notices", "hosts": {name: {"up", "underlay_ip", "net", "mnt"}}}."""
    record = cloud.read()
    external = record.get("external", "")
    hosts = {
        name: {
            "up": is_pinned(cloud.net(name)) and is_pinned(cloud.mnt(name)),
            "underlay_ip": record.get("underlay_ip") or cloud.underlay_ip(number),
            "net": str(cloud.net(name)),
            "mnt": str(cloud.mnt(name)),
        }
        for name, number in record["hosts"].items()
    }
    gateway = str(inet.ip_network(external).network_address + 1) if external else ""
    outer, _ = outside.outer_namespace(record.get("netns", ""), make=False)
    return {
        "cloud": cloud.id,
        "external": external,
        "gateway": gateway,
        "netns": record.get("netns", ""),
        "notices": real_machine.notices(outer) if record.get("mode") == "machine" else [],
        "hosts": hosts,
    }


def entering(cloud: Cloud, host: str, command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` on a host, in the same working directory. Raises: CannotBuild."""
    if not is_pinned(cloud.mnt(host)):
        raise CannotBuild(
            f"Host {host} is not up. Start it with: python -m hostagent.machine.namespaces up --hosts {host}"
        )
    return ["nsenter", f"--mount={cloud.mnt(host)}", f"--net={cloud.net(host)}", f"--wdns={Path.cwd()}", *command]


def default_run(data: Path) -> str:
    return f"/run/stackling/{hashlib.sha256(str(data).encode()).hexdigest()[:8]}"


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m hostagent.machine.namespaces", description="Hosts in namespaces.")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--data", default=os.environ.get("STACKLING_DATA", "var"))
    where.add_argument("--run", default=os.environ.get("STACKLING_RUN", ""))
    verbs = found.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("up", parents=[where])
    making.add_argument("--hosts", default="host1,host2")
    making.add_argument("--netns", default=os.environ.get("STACKLING_NETNS", ""))
    making.add_argument("--external", default=os.environ.get("STACKLING_EXTERNAL_CIDR") or DEFAULT_EXTERNAL)
    making.add_argument("--nat-out", default="0", choices=("0", "1"))
    making.add_argument("--mode", default=os.environ.get("STACKLING_HOST_MODE") or MODES[0], choices=MODES)
    making.add_argument("--underlay-ip", default=os.environ.get("STACKLING_UNDERLAY_IP") or "127.0.0.1")
    verbs.add_parser("down", parents=[where])
    verbs.add_parser("status", parents=[where]).add_argument("--json", action="store_true")
    making.add_argument("--proxy-port", type=int, default=0)
    entry = verbs.add_parser("enter", parents=[where])
    entry.add_argument("host")
    entry.add_argument("command", nargs=argparse.REMAINDER)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    data = Path(options.data).absolute()
    cloud = Cloud(data=data, run=Path(options.run or default_run(data)).absolute())
    try:
        if options.verb == "enter":
            command = options.command[1:] if options.command[:1] == ["--"] else options.command
            line = entering(cloud, options.host, command)
            os.execvp(line[0], line)
        if options.verb == "down":
            down(cloud)
            return 0
        if options.verb == "up":
            hosts = [h for h in options.hosts.split(",") if h]
            up(
                cloud,
                hosts,
                netns=options.netns,
                external=options.external,
                nat_out=options.nat_out == "1",
                mode=options.mode,
                underlay_ip=options.underlay_ip,
                proxy_port=options.proxy_port,
            )
        print(json.dumps(status(cloud), indent=1))
        return 0
    except CannotBuild as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
