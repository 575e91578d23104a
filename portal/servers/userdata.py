"""User data in the launch form: ready-made pieces, the user's own, and variables such as {{domain}} that are filled at the launch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portal.ui import Text

_VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}")
#: cloud-init fills such a text itself.
_JINJA = "## template: jinja"
_SECRET = re.compile(r"pass|pwd|secret|token|credential|(?<!public_)key")


@dataclass(frozen=True)
class Recipe:
    """A piece of user data that is there from the start."""

    name: str
    label: Text
    text: str


RECIPES = (
    Recipe(
        "nginx",
        _("Web server (nginx)"),
        """#cloud-config
package_update: true
packages: [nginx]
write_files:
  - path: /var/www/html/index.html
    content: |
      <h1>{{greeting}}</h1>
runcmd:
  - systemctl enable --now nginx
""",
    ),
    Recipe(
        "docker",
        _("Docker host"),
        """#cloud-config
package_update: true
packages: [docker.io]
runcmd:
  - systemctl enable --now docker
  - docker run --detach --restart always --publish 80:80 {{image}}
""",
    ),
    Recipe(
        "users",
        _("One more user, with sudo"),
        """#cloud-config
users:
  - default
  - name: {{user}}
    groups: [sudo]
    shell: /bin/bash
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    ssh_authorized_keys:
      - {{public_key}}
""",
    ),
)


def variables(text: str) -> list[str]:
    """List the variables of user data, each once, in their order; none of a text that cloud-init fills itself."""
    return [] if text.startswith(_JINJA) else list(dict.fromkeys(_VARIABLE.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return user data with the values of its variables."""
    if text.startswith(_JINJA):
        return text
    return _VARIABLE.sub(lambda found: values.get(found[1], ""), text)


def is_secret(variable: str) -> bool:
    """Whether what a variable stands for is kept nowhere, and not shown while it is typed."""
    return _SECRET.search(variable) is not None
