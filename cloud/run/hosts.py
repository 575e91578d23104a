"""The hosts of this machine: namespaces, or the machine itself, made ready before start, cleared by `make clean`."""

import json
import subprocess
import sys

from cloud.run.settings import CLONE, Cloud, Refused
from cloud.run.users import FOLDERS, Accounts, as_root


def _namespaces(cloud: Cloud, *arguments: str) -> str:
    command = as_root([sys.executable, "-m", "hostagent.machine.namespaces", *arguments])
    done = subprocess.run(command, cwd=CLONE, env=cloud.child_environment(), capture_output=True, text=True)
    if done.returncode:
        raise Refused((done.stderr or done.stdout).strip() or f"`{' '.join(command)}` ended with {done.returncode}")
    return done.stdout


def run_folder(cloud: Cloud, accounts: Accounts) -> None:
    """Make the folder for sockets, /run/stackling/<8 hex>, and those in it of users.FOLDERS, each with all that is in it.

    Itself it is the starter's: nobody puts files of his own in the place of those that programs started as root read.
    """
    control, starter = accounts.control, accounts.starter
    lines = [
        f'mkdir -p "$1/hosts" "$1/metrics" && chown {starter.uid}:{starter.gid} "$1" "$1/metrics" && chmod 755 "$1" && chmod 711 "$1/metrics"',
        f'chown {control.uid}:{control.gid} "$1/hosts" && chmod 755 "$1/hosts"',
        'rm -rf "$1/front" "$1/redis.sock" "$1/bytes.metrics" "$1/control.metrics" "$1/sockets.metrics"',  # of before
    ]
    for name, place in FOLDERS.items():
        uid, gid, bits = accounts.of_folder(place)
        lines.append(
            f'if [ -L "$1/{name}" ]; then rm "$1/{name}"; fi && mkdir -p "$1/{name}" && chown -hR {uid}:{gid} "$1/{name}" && chmod {bits:05o} "$1/{name}"'
        )
    subprocess.run(as_root(["sh", "-c", " && ".join(lines), "sh", str(cloud.run)]), check=True)


def up(cloud: Cloud) -> tuple[dict[str, str], list[str]]:
    """Makes or completes the namespaces of every host. Gives host → underlay address, and what the operator should know.

    Raises: Refused, with the fix where the external range clashes with a route of this machine.
    """
    hosts = ",".join(cloud.host_names)
    out = _namespaces(cloud, "up", "--hosts", hosts, "--netns", cloud.netns, "--external", str(cloud.external),
                      "--nat-out", str(int(cloud.nat_out)), "--mode", cloud.host_mode,
                      "--underlay-ip", cloud.underlay_ip, "--proxy-port", str(cloud.port))  # fmt: skip
    made = json.loads(out)
    return {name: host["underlay_ip"] for name, host in made["hosts"].items()}, made["notices"]


def open_console_sockets(cloud: Cloud, accounts: Accounts) -> None:
    """Lets bytes, which is not root, connect to the guests' VNC and serial sockets.

    Each host's socket folder passes its group on to what is made in it, and QEMU (libvirt starts it with umask 002) makes
    sockets that their group may use; the agent says so for each of its own. The host's daemons may pass, and not list.
    Sockets of guests started when the group was control's are given to the new group.
    """
    control, gid = accounts.control.gid, accounts.of("bytes").gid
    make = 'mkdir -p "$1" && chown "0:$2" "$1" && chmod 2711 "$1"'
    if gid != control:
        make += ' && find "$1" -group "$3" -execdir chgrp -h "$2" {} +'
    for host in cloud.host_names:
        folder = str(cloud.run / "hosts" / host)
        subprocess.run(as_root(["sh", "-c", make, "sh", folder, str(gid), str(control)]), check=True)


def down(cloud: Cloud) -> None:
    """Ends everything on the hosts, guests too, and removes their namespaces and links."""
    _namespaces(cloud, "down")
