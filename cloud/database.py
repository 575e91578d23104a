"""DATABASE_URL as Django's DATABASES entry: nothing of it is dropped in silence, and no database may hold a thread for ever.

Sources: libpq, "Parameter Key Words" and "Connection URIs"; PostgreSQL, "Client Connection Defaults"; SQLite, PRAGMA synchronous.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

#: libpq's words for how a connection is made. User, host and database stand in the address itself.
OPTIONS = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "options",
        "passfile",
        "require_auth",
        "service",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslmode",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
CONNECT_SECONDS = "10"
#: Setting of the environment → parameter of the server, seconds. 0 leaves it to the server.
TIMES = {
    "STACKLING_DB_STATEMENT_SECONDS": ("statement_timeout", 60),
    "STACKLING_DB_LOCK_SECONDS": ("lock_timeout", 20),
    "STACKLING_DB_IDLE_SECONDS": ("idle_in_transaction_session_timeout", 120),
}
#: Disk sync at a commit (SQLite's `synchronous`). FULL: wait for the disk, so that what was answered is there after a power cut. NORMAL: no
#: wait; a later FULL commit of any process takes all before it along, as they stand before it in the same log.
SYNCHRONOUS = ("FULL", "NORMAL")


class BadUrl(SystemExit):
    """DATABASE_URL, or a setting beside it, cannot be honoured; a sentence, without its password."""


def read(get: Callable[[str], str], file: Path) -> dict[str, object]:
    """Read the default database's entry. `get` gives a setting, or ""; `file` is SQLite's place when nothing is said. Raises: BadUrl."""
    url = get("DATABASE_URL")
    if not url or url.startswith("sqlite"):
        return _sqlite(url, file, get("STACKLING_SQLITE_SYNCHRONOUS") or "FULL")
    scheme = url.split(":", 1)[0]
    if scheme not in ("postgres", "postgresql"):
        raise BadUrl(f"DATABASE_URL names {scheme}: only sqlite and postgresql are known.")
    parts = urlsplit(url)
    user, password, hosts, ports = _authority(parts.netloc)
    return {
        "ENGINE": "common.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": user,
        "PASSWORD": password,
        "HOST": hosts,
        "PORT": ports,
        "OPTIONS": _options(parts.query, get),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


def _sqlite(url: str, file: Path, synchronous: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.query or parts.netloc:
        raise BadUrl(
            "DATABASE_URL of SQLite is sqlite:// and an absolute path, like sqlite:///srv/db.sqlite3, and no more."
        )
    if synchronous not in SYNCHRONOUS:
        raise BadUrl(f"STACKLING_SQLITE_SYNCHRONOUS must be one of {', '.join(SYNCHRONOUS)}, not {synchronous}.")
    pragmas = f"journal_mode=WAL synchronous={synchronous} cache_size=-16000 temp_store=MEMORY".split()
    return {
        "ENGINE": "common.sqlite",
        "NAME": unquote(parts.path) if url else str(file),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "".join(f"PRAGMA {pragma};" for pragma in pragmas),
        },
        "CONN_MAX_AGE": None,
        # pytest-django knows SQLite by Django's own engine only, and would give each worker a file: so it is said here.
        "TEST": {"NAME": ":memory:"},
    }


def _authority(netloc: str) -> tuple[str, str, str, str]:
    """(user, password, hosts, ports): libpq takes several hosts, parted by commas, each with its port."""
    login, _at, places = netloc.rpartition("@")
    user, _colon, password = login.partition(":")
    hosts, ports = [], []
    for place in places.split(","):
        host, bracket, rest = place.partition("]")
        name, _colon, port = (host[1:], "", rest.removeprefix(":")) if bracket else place.partition(":")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
            raise BadUrl(f"DATABASE_URL names the port {port[:20]}, which is none.")
        hosts.append(unquote(name))
        ports.append(port)
    return unquote(user), unquote(password), ",".join(hosts), ",".join(ports) if any(ports) else ""


def _options(query: str, get: Callable[[str], str]) -> dict[str, str]:
    try:
        asked = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise BadUrl("What follows the ? of DATABASE_URL must be like sslmode=verify-full&connect_timeout=3.") from None
    names = [name for name, _value in asked]
    for name in names:
        if name not in OPTIONS:
            raise BadUrl(
                f"DATABASE_URL has the option {name}, which libpq does not know. It knows {', '.join(sorted(OPTIONS))}."
            )
        if names.count(name) > 1:
            raise BadUrl(f"DATABASE_URL has the option {name} more than once.")
    found = {"connect_timeout": CONNECT_SECONDS, **dict(asked)}
    times = "".join(f" -c {parameter}={seconds * 1000}" for parameter, seconds in _times(get) if seconds)
    if times or "options" in found:  # later ones win, so what the address says does
        found["options"] = f"{times} {found.get('options', '')}".strip()
    return found


def _times(get: Callable[[str], str]) -> list[tuple[str, int]]:
    found = []
    for name, (parameter, default) in TIMES.items():
        text = get(name) or str(default)
        if not (text.isascii() and text.isdigit() and int(text[:8]) <= 86400):
            raise BadUrl(f"{name} must be seconds from 0 to 86400, not {text[:20]}.")
        found.append((parameter, int(text)))
    return found


def service_file(entry: Mapping[str, object], name: str) -> str:
    """Return the same connection as a libpq service file: for a child that must not have the password among its arguments.

    Raises: BadUrl for a value that such a file cannot hold.
    """
    values = {"host": entry["HOST"], "port": entry["PORT"], "dbname": entry["NAME"], "user": entry["USER"]}
    options = entry["OPTIONS"]
    values |= {"password": entry["PASSWORD"], **(options if isinstance(options, dict) else {})}
    values.pop("options", None)  # times of a request are no times of a copy
    if any("\n" in str(value) for value in values.values()):
        raise BadUrl("DATABASE_URL has a line end in it, which no libpq service file can hold.")
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items() if value)
