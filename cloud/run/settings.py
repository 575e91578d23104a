"""Settings of one cloud on this machine: the environment (see .env.example), read once."""

import hashlib
import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cloud.run import environment, limits
from cloud.run.limits import Limits

CLONE = Path(__file__).resolve().parents[2]


class Refused(Exception):
    """The cloud cannot start, and the sentence says what would let it."""


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines of an .env file; blank lines and # comments are skipped."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        name, sep, value = line.strip().partition("=")
        if sep and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


@dataclass(frozen=True)
class Cloud:
    """One cloud's settings and the places that follow from them."""

    data: Path
    run: Path
    listen: str
    port: int
    netns: str
    external: ipaddress.IPv4Network
    nat_out: bool
    hosts: int
    fake_hosts: int
    host_mode: str
    underlay_ip: str
    public_url: str  # as given, else made of the address and port listened at
    public_url_given: bool
    trusted_proxies: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    rate_limits: Limits
    tls_pem: str
    insecure: bool
    environment: dict[str, str] = field(repr=False)
    given: dict[str, str] = field(repr=False)  # the environment without what .env added

    @property
    def id(self) -> str:
        """Eight hex digits by which this cloud's namespaces, sockets and tables are told from another's."""
        return hashlib.sha256(str(self.data).encode()).hexdigest()[:8]

    @property
    def host_names(self) -> list[str]:
        return [f"host{n}" for n in range(1, self.hosts + 1)]

    @property
    def fake_host_names(self) -> list[str]:
        return [f"fake{n}" for n in range(1, self.fake_hosts + 1)]

    @property
    def auth_url(self) -> str:
        return f"{self.public_url}/api/identity/v3"

    @property
    def broker_url(self) -> str:
        return self.environment.get("BROKER_URL") or f"redis+socket://{self.run}/redis/redis.sock?virtual_host=0"

    @property
    def channel_url(self) -> str:
        return self.environment.get("CHANNEL_URL") or f"unix://{self.run}/redis/redis.sock?db=1"

    @property
    def needs_redis(self) -> bool:
        """Whether a private redis-server has to run: not when broker and channels both live elsewhere."""
        return not (self.environment.get("BROKER_URL") and self.environment.get("CHANNEL_URL"))

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def web_socket(self) -> Path:
        """Web's socket, where it tells all that it knows."""
        return self.run / "web" / "web.sock"

    @property
    def scheme(self) -> str:
        """URL scheme of the reverse proxy's own port."""
        return "https" if self.tls_pem else "http"

    @property
    def spool(self) -> Path:
        """Folder in which nginx keeps bodies of slow senders and answers to slow readers."""
        return self.data / "spool"

    @property
    def static_root(self) -> Path:
        return CLONE / "staticfiles"

    def child_environment(self) -> dict[str, str]:
        """Build the environment of every process of this cloud: names kept from the caller's, and settings resolved here."""
        return {
            **environment.inherited(self.environment),
            "PATH": environment.path(),
            "HOME": str(self.data / "cache"),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "cloud.settings",
            "STACKLING_DATA": str(self.data),
            "STACKLING_RUN": str(self.run),
            "STACKLING_LISTEN": self.listen,
            "STACKLING_PORT": str(self.port),
            "STACKLING_NETNS": self.netns,
            "STACKLING_EXTERNAL_CIDR": str(self.external),
            "STACKLING_NAT_OUT": str(int(self.nat_out)),
            "STACKLING_HOSTS": str(self.hosts),
            "STACKLING_FAKE_HOSTS": str(self.fake_hosts),
            "STACKLING_HOST_MODE": self.host_mode,
            "STACKLING_UNDERLAY_IP": self.underlay_ip,
            "STACKLING_PUBLIC_URL": self.public_url if self.public_url_given else "",
            "STACKLING_ALLOWED_HOSTS": ",".join(self.allowed_hosts),
        }


def _number(environment: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not low <= int(text) <= high:
        raise Refused(f"{name} is {text!r}: it must be a number from {low} to {high}.")
    return int(text)


def _external(environment: dict[str, str]) -> ipaddress.IPv4Network:
    text = environment.get("STACKLING_EXTERNAL_CIDR") or "172.24.4.0/24"
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise Refused(f"STACKLING_EXTERNAL_CIDR is {text!r}: {error}.") from None
    if network.prefixlen > 28:
        raise Refused(f"STACKLING_EXTERNAL_CIDR is {text}: it needs at least 16 addresses (/28).")
    return network


def _check_exposure(listen: str, *, tls: bool, insecure: bool) -> None:
    if tls or insecure or listen == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(listen).is_loopback
    except ValueError:
        raise Refused(f"STACKLING_LISTEN is {listen!r}: it must be an IP address.") from None
    if not loopback:
        raise Refused(
            f"STACKLING_LISTEN is {listen}, which others can reach, and there is no TLS: passwords would travel in the"
            " clear. Set STACKLING_TLS_PEM to a certificate with its key, or STACKLING_INSECURE=1 if you mean it."
        )


def _public_url(environment: dict[str, str], listen: str, port: int, tls: bool) -> str:
    reach = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(listen, listen)
    public = environment.get("STACKLING_PUBLIC_URL") or f"{'https' if tls else 'http'}://{reach}:{port}"
    parts = urlsplit(public)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"STACKLING_PUBLIC_URL is {public!r}: it must be http:// or https:// and a name.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise Refused(f"STACKLING_PUBLIC_URL is {public!r}: nothing may follow the name and the port.")
    return public.rstrip("/")


def _trusted_proxies(environment: dict[str, str]) -> tuple[str, ...]:
    found = []
    for part in filter(None, (part.strip() for part in environment.get("STACKLING_TRUSTED_PROXIES", "").split(","))):
        try:
            found.append(str(ipaddress.ip_network(part)))
        except ValueError as error:
            raise Refused(f"STACKLING_TRUSTED_PROXIES holds {part!r}: {error}.") from None
    return tuple(found)


_NAME = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")


def _allowed_hosts(environment: dict[str, str], public: str, listen: str) -> tuple[str, ...]:
    """Names and addresses by which this cloud may be asked, as Django writes them. Besides, the address connected to."""
    address = f"[{listen}]" if ":" in listen else listen
    name = urlsplit(public).hostname or ""
    found = ["127.0.0.1", "localhost", "[::1]", address, f"[{name}]" if ":" in name else name]
    for part in environment.get("STACKLING_ALLOWED_HOSTS", "").lower().split(","):
        if part.strip():
            found.append(part.strip())
    for one in found:
        if not _NAME.fullmatch(one):
            raise Refused(
                f"STACKLING_ALLOWED_HOSTS holds {one!r}: it takes names, addresses, .example.org for all below, or *."
            )
    return tuple(dict.fromkeys(found))


def _rate_limits(environment: dict[str, str]) -> Limits:
    try:
        return limits.read(environment.get("STACKLING_RATE_LIMITS", ""))
    except ValueError as error:
        raise Refused(f"STACKLING_RATE_LIMITS is wrong: {error}.") from None


def _host_mode(environment: dict[str, str], hosts: int) -> str:
    mode = environment.get("STACKLING_HOST_MODE") or "namespace"
    if mode not in ("namespace", "machine"):
        raise Refused(f"STACKLING_HOST_MODE is {mode!r}: it may be namespace or machine.")
    if mode == "machine" and hosts > 1:
        raise Refused(
            f"STACKLING_HOSTS is {hosts}, and STACKLING_HOST_MODE=machine makes this machine itself the host: there is one"
            " of it. Leave STACKLING_HOSTS at 1, or STACKLING_HOST_MODE at namespace."
        )
    return mode


def _underlay_ip(environment: dict[str, str]) -> str:
    text = environment.get("STACKLING_UNDERLAY_IP") or "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Refused(f"STACKLING_UNDERLAY_IP is {text!r}: it must be an address of this machine.") from None


def _check_watching(environment: dict[str, str]) -> None:
    """Check the format and level of logs, and the address of the traces' collector. Raises: Refused."""
    form = environment.get("STACKLING_LOG_FORMAT") or "text"
    if form not in ("text", "json"):
        raise Refused(f"STACKLING_LOG_FORMAT is {form!r}: it may be text or json.")
    level = environment.get("STACKLING_LOG_LEVEL") or "INFO"
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise Refused(f"STACKLING_LOG_LEVEL is {level!r}: it may be DEBUG, INFO, WARNING or ERROR.")
    collector = environment.get("STACKLING_OTLP_ENDPOINT", "")
    parts = urlsplit(collector)
    if collector and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise Refused(
            "STACKLING_OTLP_ENDPOINT must be http:// or https:// and the collector's name and port, without a password."
        )


def _hosts(env: dict[str, str]) -> tuple[int, int]:
    """(real hosts, simulated ones)."""
    hosts = _number(env, "STACKLING_HOSTS", 1, 0, 16)
    fake = _number(env, "STACKLING_FAKE_HOSTS", 0, 0, 1000)
    if hosts + fake == 0:
        raise Refused("STACKLING_HOSTS is 0 and STACKLING_FAKE_HOSTS is 0: a cloud needs a host.")
    return hosts, fake


def read(environment: dict[str, str] | None = None) -> Cloud:
    """Read the cloud that the environment and the clone's .env describe.

    Raises: Refused when a value is wrong.
    """
    given = dict(environment if environment is not None else os.environ)
    env = {**read_env_file(CLONE / ".env"), **given}
    data = Path(env.get("STACKLING_DATA") or CLONE / "var").resolve()
    cloud_id = hashlib.sha256(str(data).encode()).hexdigest()[:8]
    listen, port = env.get("STACKLING_LISTEN") or "127.0.0.1", _number(env, "STACKLING_PORT", 8000, 1, 65535)
    tls = env.get("STACKLING_TLS_PEM", "")
    insecure = env.get("STACKLING_INSECURE") == "1"
    _check_watching(env)
    _check_exposure(listen, tls=bool(tls), insecure=insecure)
    public = _public_url(env, listen, port, bool(tls))
    hosts, fake = _hosts(env)
    return Cloud(
        data=data,
        run=Path(env.get("STACKLING_RUN") or f"/run/stackling/{cloud_id}"),
        listen=listen,
        port=port,
        netns=env.get("STACKLING_NETNS", ""),
        external=_external(env),
        nat_out=env.get("STACKLING_NAT_OUT") == "1",
        hosts=hosts,
        fake_hosts=fake,
        host_mode=_host_mode(env, hosts),
        underlay_ip=_underlay_ip(env),
        public_url=public,
        public_url_given=bool(env.get("STACKLING_PUBLIC_URL")),
        trusted_proxies=_trusted_proxies(env),
        allowed_hosts=_allowed_hosts(env, public, listen),
        rate_limits=_rate_limits(env),
        tls_pem=tls,
        insecure=insecure,
        environment=env,
        given=given,
    )
