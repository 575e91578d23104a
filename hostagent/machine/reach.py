"""Lets a host's unprivileged daemons reach its data where a folder on the way is closed to others (a home, /root).

Such a folder is covered, on this host alone (its mounts are its own), by an empty one that may be passed, and only what
the host needs comes back into it, at the same path: the data, the run folder, this code and its Python. Nobody's home is
opened for that; on the host even less of it is to be seen than before.
"""

import shlex
import sys
from pathlib import Path

from hostagent.machine.pinned_namespaces import Cloud, run

#: As whom it is tried whether a path can be passed.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


def closed(path: Path) -> Path | None:
    """Return the topmost folder on the way to `path` that others may not pass."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)


def ensure(cloud: Cloud, host: str) -> None:
    """Let whoever runs on `host` pass to its data. Raises: CannotBuild."""
    home = cloud.data / "hosts" / host
    home.mkdir(parents=True, exist_ok=True)
    for folder in (cloud.data, home.parent, home):  # ours: listed by nobody, passed by all
        folder.chmod(folder.stat().st_mode & 0o7700 | 0o011)
    for folder in (home / "libvirt", home / "run"):  # reached through the mounts that are made of them
        if folder.exists():
            folder.chmod(0o700)
    enter = ("nsenter", f"--mount={cloud.mnt(host)}", "--")
    if run(*enter, *NOBODY, "sh", "-c", 'cd "$1" && echo passed', "sh", str(home), check=False).strip() == "passed":
        return
    cover = closed(cloud.data)
    if cover is not None:
        run(*enter, "sh", "-c", script(cover, kept(cloud, cover)))


def kept(cloud: Cloud, cover: Path) -> list[Path]:
    """Folders that must be visible again below `cover`, none inside another."""
    code = Path(__file__).resolve().parents[2]
    wanted = {cloud.data, cloud.run, code, Path(sys.prefix), Path(sys.base_prefix)}
    below = sorted(path for path in wanted if path.is_relative_to(cover))
    return [path for path in below if not any(other != path and path.is_relative_to(other) for other in below)]


def script(cover: Path, paths: list[Path]) -> str:
    lines = ["set -e", "cd /"]
    for number, path in enumerate(paths):
        lines += [f"mkdir -p /run/kept/{number}", f"mount -n --rbind {shlex.quote(str(path))} /run/kept/{number}"]
    lines.append(f"mount -n -t tmpfs -o mode=711 tmpfs {shlex.quote(str(cover))}")
    for number, path in enumerate(paths):
        place = shlex.quote(str(path))
        lines += [f"mkdir -p -m 711 {place}", f"mount -n --move /run/kept/{number} {place}"]
    return "\n".join(lines)
