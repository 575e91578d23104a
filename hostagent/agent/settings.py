"""Settings of one agent process, from its environment. Read once, at start.

One process serves one host (libvirt) or several (fake): `STACKLING_HOST` is a name or a comma-separated list of names.
Sources: .env.example lists every variable.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hostagent.drivers.registry import VARIABLES, Choices, DriverError, choose
from hostagent.process.keyfile import KeyFile, keys_in


class SettingsError(Exception):
    """The environment does not describe an agent that could start. The message names the variable."""


@dataclass(frozen=True)
class HostSettings:
    """One host that this process serves."""

    name: str
    key: str  # hex, 32 bytes
    data: Path  # disks/ cache/ libvirt/ consoles/ …, this host's own
    run: Path  # sockets, at most ~50 characters so that a socket in it stays under 108
    key_file: KeyFile | None = None  # where the key stands, which may be rotated

    def keys(self) -> tuple[str, ...]:
        """List the host's keys now: the first signs and encrypts, each opens."""
        return (self.key_file.keys() if self.key_file is not None else ()) or (self.key,)

    def signing_key(self) -> str:
        return self.keys()[0]


@dataclass(frozen=True)
class Settings:
    hosts: tuple[HostSettings, ...]
    drivers: Choices
    underlay_ip: str
    control: str  # unix:/…/nginx/agents.sock or https://host[:port]
    broker_url: str
    private_mounts: bool  # libvirt's folders are this host's own: its libvirtd is ours to configure and to start
    proof_kernel: str  # a Linux kernel to prove KVM with; empty: look in /boot
    fault: str  # empty unless STACKLING_TESTING=1
    contract: int = 1  # the oldest version of casts that is taken
    image_cache: int = 0  # bytes of images that a host keeps; 0: a fifth of its file system

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Raises: SettingsError."""
        data = Path(env.get("STACKLING_DATA") or "var").resolve()
        run = Path(env.get("STACKLING_RUN") or default_run(data))
        drivers = drivers_of(env)
        names = [name.strip() for name in env.get("STACKLING_HOST", "").split(",") if name.strip()]
        if not names:
            raise SettingsError("STACKLING_HOST is empty: name the host this agent serves")
        if len(names) > 1 and not drivers.is_fake:
            raise SettingsError("STACKLING_HOST names several hosts: only the fake driver serves more than one")
        key_place = Path(env.get("STACKLING_HOST_KEY_FILE") or data / "keys" / "hosts")
        return cls(
            hosts=tuple(
                HostSettings(
                    name,
                    read_key(key_place, name),
                    data / "hosts" / name,
                    run / "hosts" / name,
                    KeyFile(key_path(key_place, name)),
                )
                for name in names
            ),
            drivers=drivers,
            underlay_ip=env.get("STACKLING_UNDERLAY_IP", ""),
            control=env.get("STACKLING_CONTROL") or f"unix:{run}/nginx/agents.sock",
            broker_url=broker_address(env) or f"redis+socket://{run}/redis/redis.sock",
            private_mounts=in_private_mounts(),
            proof_kernel=env.get("STACKLING_PROOF_KERNEL") or demo_kernel(data),
            fault=env.get("STACKLING_FAULT", "") if env.get("STACKLING_TESTING") == "1" else "",
            contract=oldest_contract(env.get("STACKLING_AGENT_CONTRACT") or "1"),
            image_cache=cache_size(env.get("STACKLING_IMAGE_CACHE_GIB") or "0"),
        )


def drivers_of(env: Mapping[str, str]) -> Choices:
    """Return the drivers that STACKLING_DRIVER and the variables of each kind (registry.VARIABLES) ask for.

    Raises: SettingsError.
    """
    all_of = env.get("STACKLING_DRIVER") or "libvirt"
    if all_of not in ("libvirt", "fake"):
        raise SettingsError(f"STACKLING_DRIVER is {all_of!r}; it may be libvirt or fake")
    try:
        return choose({kind: env.get(name, "") for kind, name in VARIABLES.items()}, fake=all_of == "fake")
    except DriverError as error:
        raise SettingsError(f"{', '.join(VARIABLES.values())}: {error}") from error


def cache_size(text: str) -> int:
    """Bytes of a number of GiB. Raises: SettingsError."""
    try:
        size = float(text)
    except ValueError:
        size = -1
    if not 0 <= size < 2**20:
        raise SettingsError(f"STACKLING_IMAGE_CACHE_GIB is {text!r}; it is a number of GiB, 0 for a fifth of the disk")
    return int(size * 2**30)


def oldest_contract(text: str) -> int:
    """Raises: SettingsError."""
    if text not in ("1", "2"):
        raise SettingsError(f"STACKLING_AGENT_CONTRACT is {text!r}; it may be 1 (both versions) or 2 (the newer only)")
    return int(text)


def broker_address(env: Mapping[str, str]) -> str:
    """From a file, since it may hold a password; or from the environment, of an agent started by hand. Raises: SettingsError."""
    place = env.get("STACKLING_BROKER_FILE")
    if env.get("BROKER_URL") or not place:
        return env.get("BROKER_URL", "")
    try:
        return Path(place).read_text().strip()
    except OSError as error:
        raise SettingsError(f"STACKLING_BROKER_FILE: cannot read {place}: {error.strerror}") from error


def default_run(data: Path) -> Path:
    """Return the short folder for sockets of the cloud whose state is in `data`."""
    return Path("/run/stackling") / hashlib.sha256(str(data).encode()).hexdigest()[:8]


def demo_kernel(data: Path) -> str:
    """Return the kernel of the demo image, where this machine has built it."""
    kernel = data / "cache" / "demo" / "demo-kernel"
    return str(kernel) if kernel.exists() else ""


def key_path(place: Path, host: str) -> Path:
    """Return the file itself, or `<host>.key` in a folder."""
    return place / f"{host}.key" if place.is_dir() else place


def read_key(place: Path, host: str) -> str:
    """Read the host's key in hex. Raises: SettingsError."""
    path = key_path(place, host)
    try:
        keys = keys_in(path.read_text())
    except OSError as error:
        raise SettingsError(f"STACKLING_HOST_KEY_FILE: cannot read {path}: {error.strerror}") from error
    if not keys or any(len(key) != 64 or set(key) - set("0123456789abcdef") for key in keys):
        raise SettingsError(f"STACKLING_HOST_KEY_FILE: {path} does not hold 32 bytes in hex")
    return keys[0]


def in_private_mounts() -> bool:
    """Whether libvirt's folders are this host's own, mounted over the machine's (hostagent/machine/namespaces.py)."""
    return any(line.split(" ")[4] == "/etc/libvirt" for line in Path("/proc/self/mountinfo").read_text().splitlines())
