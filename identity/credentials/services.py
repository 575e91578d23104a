"""Verbs of credentials. An ec2 one's id is the SHA-256 of its access key, as Keystone has it."""

import hashlib
from contextlib import suppress
from typing import Any

import orjson
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from common.ids import new_hex
from identity.appcreds.services import not_delegated
from identity.credentials.fields import CREDENTIAL
from identity.credentials.places import BLOB
from identity.models import Credential, Project, User
from identity.resource import Missing, Resource, Values, enforce
from keystore.encryption import Unopenable, decrypt, encrypt

#: Keys of a blob that clients may not write: with them a caller would act through any trust, application credential or OAuth token whose id
#: they know.
#: Characters of an EC2 secret. A signature can be tried against guesses where nobody counts them.
SHORTEST_SECRET = 16
DELEGATION = ("trust_id", "app_cred_id", "access_token_id")


class CredentialTaken(Conflict):
    template = _("Conflict occurred attempting to store credential - Duplicate entry found with id %(id)s.")


def hash_access(access: str) -> str:
    return hashlib.sha256(access.encode()).hexdigest()


class Credentials(Resource[Credential]):
    def target(self, row: Any) -> Values:
        return {"target.credential.user_id": row.user_id, "target.credential.id": row.id}

    def list_target(self, actor: RequestContext) -> Values:
        return {"target.credential.user_id": actor.user_id}

    def mine(self, actor: RequestContext, rows: Any) -> Any:
        return rows if actor.is_admin or actor.system else rows.filter(user_id=actor.user_id)

    def allow(self, actor: RequestContext, verb: str, id: str) -> Any:
        row = super().allow(actor, verb, id)
        not_delegated(actor, f"{verb} a credential")
        return row

    def listing(self, actor: RequestContext, query: Any) -> Any:
        rows = super().listing(actor, query)
        not_delegated(actor, "list credentials")
        return rows

    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        not_delegated(actor, "create or change a credential")
        kind = values.get("type", row.type if row else None)
        if "user_id" in values and not User.objects.filter(pk=values["user_id"]).exists():
            raise Missing(kind="user", id=values["user_id"])
        if row is not None and "user_id" in values:  # nobody makes a credential another one's whom they may not act for
            enforce(actor, "identity:update_credential", {"target.credential.user_id": values["user_id"]})
        if "blob" in values:
            blob = values.pop("blob")
            text = blob if isinstance(blob, str) else orjson.dumps(blob).decode()
            if kind == "ec2":
                self._ec2(values, text, row)
            id = row.pk if row is not None else values.setdefault("id", new_hex())
            values["encrypted_blob"] = encrypt(text, BLOB(id))
        elif row is None:
            raise Invalid(reason=_("A credential needs a blob."))
        if kind == "ec2" and (values.get("project_id") or (row and row.project_id)) is None:
            raise Invalid(reason=_("A credential of type ec2 needs a project_id."))
        return values

    def _ec2(self, values: Values, text: str, row: object) -> None:
        try:
            blob = orjson.loads(text)
            access, secret = blob["access"], blob["secret"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Invalid(reason=_("The blob of an ec2 credential must be JSON with access and secret.")) from None
        if not isinstance(access, str) or not isinstance(secret, str) or len(secret) < SHORTEST_SECRET:
            raise Invalid(
                reason=_(
                    "The access and secret of an ec2 credential must be texts, the secret of %(least)s characters at "
                    "least: it signs requests, and whoever has a signature may guess at it."
                ),
                least=SHORTEST_SECRET,
            )
        if any(blob.get(name) for name in DELEGATION):
            raise Invalid(reason=_("The blob of an ec2 credential may not say %(names)s."), names=", ".join(DELEGATION))
        if row is None:
            values["id"] = hash_access(access)
            if Credential.objects.filter(pk=values["id"]).exists():
                raise CredentialTaken(id=values["id"])

    def split(self, values: Values) -> tuple[Values, Values]:
        columns, extra = super().split(values)
        if "blob" in values:
            columns["blob"] = values["blob"]
        return columns, extra


CREDENTIALS = Credentials(
    model=Credential,
    name="credential",
    plural="credentials",
    fields=CREDENTIAL,
    columns={"user_id": "user_id", "type": "type"},
    fixed=("id",),
    flushes=False,
)


# ── EC2 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _target(user_id: str) -> Values:
    return {"target.credential.user_id": user_id, "user_id": user_id}


def _user(user_id: str) -> User:
    row = User.objects.filter(pk=user_id).first()
    if row is None:
        raise Missing(kind="user", id=user_id)
    return row


@transaction.atomic
def create_ec2(actor: RequestContext, user_id: str, project_id: str) -> Values:
    """Create an access key and secret for a user on a project. Raises: Forbidden, Missing."""
    enforce(actor, "identity:ec2_create_credential", _target(user_id))
    not_delegated(actor, "create a credential")
    user = _user(user_id)
    if not Project.objects.filter(pk=project_id).exists():
        raise Missing(kind="project", id=project_id)
    blob = {"access": new_hex(), "secret": new_hex(), "trust_id": None}
    id = hash_access(blob["access"] or "")
    row = Credential.objects.create(
        id=id,
        user=user,
        project_id=project_id,
        type="ec2",
        encrypted_blob=encrypt(orjson.dumps(blob).decode(), BLOB(id)),
    )
    return ec2_body(row)


def ec2_body(row: Credential) -> Values:
    blob = orjson.loads(decrypt(row.encrypted_blob, BLOB(row.pk)))
    return {
        "user_id": row.user_id,
        "tenant_id": row.project_id,
        "access": blob["access"],
        "secret": blob["secret"],
        "trust_id": blob.get("trust_id"),
    }


def list_ec2(actor: RequestContext, user_id: str) -> list[Values]:
    """Raises: Forbidden, Missing."""
    enforce(actor, "identity:ec2_list_credentials", _target(user_id))
    not_delegated(actor, "list credentials")
    _user(user_id)
    found = []
    for row in Credential.objects.filter(user_id=user_id, type="ec2").order_by("id"):
        with suppress(
            Unopenable
        ):  # its access key is lost with it: only the list of credentials still has it, by its id
            found.append(ec2_body(row))
    return found


def get_ec2(actor: RequestContext, access: str, *, verb: str = "ec2_get_credential") -> Credential:
    """Raises: Forbidden, Missing."""
    row = Credential.objects.filter(pk=hash_access(access), type="ec2").first()
    if row is None:
        raise Missing(kind="credential", id=access)
    enforce(actor, f"identity:{verb}", _target(row.user_id))  # its own user decides, not the one in the address
    not_delegated(actor, "use a credential")
    return row


def delete_ec2(actor: RequestContext, access: str) -> None:
    """Raises: Forbidden, Missing."""
    get_ec2(actor, access, verb="ec2_delete_credential").delete()
