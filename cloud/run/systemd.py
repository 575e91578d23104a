"""The systemd unit of a cloud: `make systemd` prints it, with this clone's paths and this environment's settings.

Only the process that it starts is systemd's to stop (KillMode=process): that one ends the cloud's programs in order, and
guests, their networks and libvirtd go on, as with `make stop`. Source: systemd.service(5), systemd.kill(5).
"""

import sys

from cloud.run.environment import is_secret
from cloud.run.settings import CLONE, Cloud

_UNIT = """\
# /etc/systemd/system/stackling.service, written by `make systemd`
[Unit]
Description=Stackling, a private cloud ({data})
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
WorkingDirectory={clone}
{environment}
ExecStart={python} -m cloud.run up
ExecStopPost={python} -m hostagent.machine.cgroups
KillMode=process
TimeoutStartSec=infinity
TimeoutStopSec=90
Restart=on-failure
RestartSec=5
# Guests live in this unit: no limit of its own, and one guest that runs out of memory does not end the others.
TasksMax=infinity
LimitNOFILE=1048576
OOMPolicy=continue
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


def _quoted(name: str, value: str) -> str:
    """NAME=value as a word of Environment=. Specifiers (%) and backslashes are doubled."""
    text = f"{name}={value}".replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    return f'Environment="{text}"'


def unit(cloud: Cloud) -> str:
    """Return the unit's text. Settings of .env are not in it: the start reads that file again. Secrets belong there."""
    given = {name: value for name, value in cloud.given.items() if name.startswith("STACKLING_") or is_secret(name)}
    secret = sorted(name for name, value in given.items() if value and is_secret(name))  # anyone may read a unit
    given["STACKLING_DATA"] = str(cloud.data)
    lines = [_quoted(name, value) for name, value in sorted(given.items()) if name not in secret]
    lines += [f"# {name} is not here, where everyone may read it: write it to {CLONE}/.env" for name in secret]
    return _UNIT.format(data=cloud.data, clone=CLONE, python=sys.executable, environment="\n".join(lines))
