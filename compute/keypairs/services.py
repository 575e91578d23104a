"""Read, create, import and delete key pairs."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Forbidden, NotFound
from common.live import announce
from compute.keypairs import keys
from compute.keypairs.models import KeyPair
from quota import services as quota


class KeyPairNotFound(NotFound):
    template = _("Keypair %(name)s not found for user %(user)s")


class KeyPairExists(Conflict):
    template = _("Key pair '%(name)s' already exists.")


class QuotaSpent(Forbidden):
    template = _("Quota exceeded, too many key pairs.")


@dataclass
class Made:
    row: KeyPair
    private_key: str | None


_RULES = {
    "index": "os_compute_api:os-keypairs:index",
    "show": "os_compute_api:os-keypairs:show",
    "create": "os_compute_api:os-keypairs:create",
    "delete": "os_compute_api:os-keypairs:delete",
}


def of(actor: RequestContext, user_id: str | None = None, verb: str = "index") -> QuerySet[KeyPair]:
    """Query the key pairs of a user, by default the actor. `verb`: key of _RULES. Raises: Forbidden."""
    owner = user_id or actor.user_id
    policy.require(actor, _RULES[verb], {"user_id": owner})
    return KeyPair.objects.filter(user_id=owner)


def find(actor: RequestContext, name: str, user_id: str | None = None, verb: str = "show") -> KeyPair:
    """Find a user's key pair by its name. Raises: KeyPairNotFound, Forbidden."""
    found = of(actor, user_id, verb).filter(name=name).first()
    if found is None:
        raise KeyPairNotFound(name=name, user=user_id or actor.user_id)
    return found


def create(
    actor: RequestContext, *, name: str, type: str = "ssh", public_key: str | None = None, user_id: str | None = None
) -> Made:
    """Import a public key, or make a pair of which the private half is only in the answer.

    Raises: BadKey, KeyPairExists, QuotaSpent, Forbidden.
    """
    of(actor, user_id, "create")
    owner = user_id or actor.user_id
    private = None
    if public_key is None:
        private, public_key = keys.make(type, owner)
    print_of_key = keys.fingerprint(type, public_key)
    with transaction.atomic():
        quota.lock(f"user:{owner}")
        limit = quota.defaults("compute")["key_pairs"]
        if 0 <= limit <= KeyPair.objects.filter(user_id=owner).count():
            raise QuotaSpent()
        try:
            with transaction.atomic():
                row = KeyPair.objects.create(
                    user_id=owner, name=name, type=type, public_key=public_key, fingerprint=print_of_key
                )
        except IntegrityError:
            raise KeyPairExists(name=name) from None
        _tell(row, "create")
    return Made(row, private)


@transaction.atomic
def delete(actor: RequestContext, *, name: str, user_id: str | None = None) -> None:
    """Delete a key pair. Servers keep the key they were created with. Raises: KeyPairNotFound, Forbidden."""
    row = find(actor, name, user_id, "delete")
    row.delete()
    _tell(row, "delete")


def _tell(row: KeyPair, what: str) -> None:
    """Announce that it changed, to its user: no project has it."""
    announce("keypair", row.name, rooms=[f"user.{row.user_id}"], what=what)
