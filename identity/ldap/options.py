"""A domain's LDAP options, read and checked. They are Keystone's, from its group [ldap]."""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.utils.translation import gettext_lazy as _

from common.errors import Unavailable
from common.prepared import Prepared
from identity.domains.models import value_place
from identity.domains.options import OPTIONS
from identity.models import DomainOption
from keystore.encryption import decrypt


class BadOption(Unavailable):
    template = _(
        "The LDAP configuration of domain %(domain)s cannot be used: %(reason)s. Its operator must correct it."
    )


_driver = Prepared(
    lambda id: DomainOption.objects.filter(domain_id=id, group="identity", option="driver").values_list("value")
)


def uses_ldap(domain_id: str) -> bool:
    """Whether the domain's users live in a directory."""
    found = _driver.first(domain_id)
    return found is not None and found[0] == "ldap"


def domains() -> list[str]:
    """List the domains that live in directories."""
    rows = DomainOption.objects.filter(group="identity", option="driver", value="ldap", domain__enabled=True)
    return list(rows.order_by("domain_id").values_list("domain_id", flat=True))


@dataclass(frozen=True)
class Config:
    """The options of one domain, defaults filled in. `values` has Keystone's own names; the password is apart."""

    domain_id: str
    values: dict[str, Any]
    password: str | None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        return f"Config({self.domain_id})"  # never the password, in no log and no traceback

    def attribute(self, entity: str, name: str) -> str | None:
        """Return the directory's name for an attribute, e.g. ("user", "name"); None where it is not mapped or ignored."""
        wire = {"desc": "description", "mail": "email"}.get(name, name)
        if wire in (self.values[f"{entity}_attribute_ignore"] or []):
            return None
        found = self.values.get(f"{entity}_{name}_attribute")
        return str(found) if found else None

    def tree(self, entity: str) -> str:
        own = self.values[f"{entity}_tree_dn"]
        return str(own or f"{'ou=Users' if entity == 'user' else 'ou=UserGroups'},{self.values['suffix']}")

    @property
    def urls(self) -> list[str]:
        """Raises: BadOption."""
        found = [one.strip() for one in str(self.values["url"]).split(",") if one.strip()]
        for one in found:
            if urlsplit(one).scheme not in ("ldap", "ldaps") or not urlsplit(one).hostname:
                raise BadOption(
                    domain=self.domain_id, reason=_("url must be ldap:// or ldaps://, not %(one)s"), one=one
                )
        if not found:
            raise BadOption(domain=self.domain_id, reason=_("url is empty"))
        return found

    @property
    def certificates(self) -> ssl.VerifyMode:
        """Raises: BadOption."""
        wanted = str(self.values["tls_req_cert"])
        modes = {"demand": ssl.CERT_REQUIRED, "allow": ssl.CERT_OPTIONAL, "never": ssl.CERT_NONE}
        if wanted not in modes:
            raise BadOption(domain=self.domain_id, reason=_("tls_req_cert must be demand, allow or never"))
        return modes[wanted]


def of_domain(domain_id: str) -> Config:
    """Raises: BadOption when the stored password cannot be read."""
    values = dict(OPTIONS["ldap"])
    rows = DomainOption.objects.filter(domain_id=domain_id, group="ldap")
    values |= {row.option: row.value for row in rows}
    sealed = values.pop("password", None)
    try:
        password = decrypt(sealed, value_place(domain_id, "ldap", "password")) if sealed else None
    except (InvalidToken, AttributeError):
        raise BadOption(
            domain=domain_id, reason=_("ldap.password was stored under another key; set it again")
        ) from None
    return Config(domain_id, values, password)
