"""What a cloud's processes find in their environment: names from this list, and nothing that is a secret.

Whoever starts the cloud has an environment of his own (TMPDIR in a folder of his, HOME, PYTHON…, keys of other programs);
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
#: Of the starter's: language and time, those, and whom to trust there.
KEPT = (
    "LANG", "LANGUAGE", "TZ", *PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "DEBIAN_FRONTEND",
    "DATABASE_CONNECTIONS",
)  # fmt: skip
#: Of our own names all but these.
HIDDEN = ("_PASSWORD", "_SECRET", "_TOKEN", "_SECRET_KEY")


def is_secret(name: str) -> bool:
    return name in SECRETS or (name.startswith("STACKLING_") and name.endswith(HIDDEN))


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What goes along from the starter's environment (and .env) to every process of the cloud."""
    return {
        name: value
        for name, value in environment.items()
        if (name in KEPT or name.startswith(("LC_", "STACKLING_"))) and not is_secret(name)
    }


def path() -> str:
    """Where programs are looked for: our own Python first, then the system's; nothing of the starter's."""
    return f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
