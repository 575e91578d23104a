"""Environment of a cloud's processes: names from this list, and nothing that is a secret.

The user who starts the cloud has another environment (TMPDIR in an own folder, HOME, PYTHON…, keys of other programs);
its processes run as other users, some of them for weeks. So each name that goes along is named here. Secrets lie in files:
accounts' passwords in `passwords`, the addresses of database and broker, which hold passwords, in `keys/settings`.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from cloud.settings_file import SECRETS

#: How other machines are reached (the demo images' packages, backups, traces); may hold a password.
PROXIES = (
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
)  # fmt: skip
#: Names kept from the starter's environment: language, time zone, proxies, trusted certificates.
KEPT = (
    "LANG", "LANGUAGE", "TZ", *PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "DEBIAN_FRONTEND",
    "DATABASE_CONNECTIONS",
)  # fmt: skip
#: Endings of our own names (STACKLING_…) that are secret.
HIDDEN = ("_PASSWORD", "_SECRET", "_TOKEN", "_SECRET_KEY")


def is_secret(name: str) -> bool:
    return name in SECRETS or (name.startswith("STACKLING_") and name.endswith(HIDDEN))


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Filter the starter's environment (and .env) to the names that every process of the cloud gets; no secrets."""
    return {
        name: value
        for name, value in environment.items()
        if (name in KEPT or name.startswith(("LC_", "STACKLING_"))) and not is_secret(name)
    }


def path() -> str:
    """PATH of every process: our own Python's folder, then the system's; none of the starter's."""
    return f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
