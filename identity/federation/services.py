"""Verbs of federation's things. Their ids are chosen by the operator, so they are made with PUT."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from identity.federation import fetching, oidc, rule_schema
from identity.federation.fields import MAPPING, PROVIDER, SERVICE_PROVIDER
from identity.federation.models import CLIENT_SECRET
from identity.models import Client, Domain, IdentityProvider, Mapping, Protocol, RemoteId, ServiceProvider
from identity.resource import Duplicate, Missing, Resource, Values, enforce
from keystore.encryption import encrypt


class RemoteIdTaken(Conflict):
    template = _("Conflict occurred attempting to store identity_provider - Duplicate remote ID: %(id)s.")


class NoMapping(Invalid):
    template = _("Could not find mapping: %(id)s.")


class MappingInUse(Conflict):
    formerly = ("InUse",)
    template = _("The mapping %(id)s is used by a protocol.")


class Providers(Resource[IdentityProvider]):
    def rows(self) -> Any:
        return IdentityProvider.objects.prefetch_related("remote_ids").select_related("client")

    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        values.pop("remote_ids", None)
        values.pop("openid", None)
        if row is None:
            domain_id = values.get("domain_id")
            if domain_id is None:  # as Keystone: a domain of its own
                domain = Domain.objects.create(name=f"federated {Domain.objects.count()}", is_domain=True)
                domain.name = domain.pk
                domain.save(update_fields=["name"])
                values["domain_id"] = domain.pk
            elif not Domain.objects.filter(pk=domain_id).exists():
                raise Missing(kind="domain", id=domain_id)
        return values

    def made(self, actor: RequestContext, row: Any, values: Values) -> None:
        if "openid" in values:
            _store_client(row, values["openid"])
        if "remote_ids" not in values:
            return
        row.remote_ids.all().delete()
        for id in values["remote_ids"] or []:
            if RemoteId.objects.filter(pk=id).exists():
                raise RemoteIdTaken(id=id)
            RemoteId.objects.create(pk=id, provider=row)
        row.__dict__.pop("_prefetched_objects_cache", None)

    @transaction.atomic
    def update(self, actor: RequestContext, id: str, values: Values) -> Any:
        row = super().update(actor, id, values)
        self.made(actor, row, values)
        return row

    def shape(self, body: Values, row: object) -> Values:
        if body["openid"] is None:
            del body["openid"]
        return body


def set_client(actor: RequestContext, provider_id: str, **settings: object) -> Client:
    """How we are known to a provider that speaks OpenID Connect; None for a setting leaves it as it is.

    `settings`: issuer and client_id (both needed at first), client_secret ("" for a public client), scopes, audiences
    (further client ids whose tokens are taken), label (of the sign-in button).
    Raises: Forbidden, Missing, Invalid, BadAddress.
    """
    sent = {name: value for name, value in settings.items() if value is not None}
    PROVIDERS.update(actor, provider_id, {"openid": sent})
    return Client.objects.get(pk=provider_id)


def drop_client(actor: RequestContext, provider_id: str) -> None:
    """Remove a provider's client: nobody signs in through it any more. Raises: Forbidden, Missing."""
    PROVIDERS.update(actor, provider_id, {"openid": None})


def _store_client(provider: IdentityProvider, sent: Values | None) -> None:
    oidc.forget()
    provider.__dict__.pop("client", None)
    provider._state.fields_cache.pop("client", None)
    if sent is None:
        Client.objects.filter(provider=provider).delete()
        return
    row = Client.objects.filter(provider=provider).first() or Client(provider=provider)
    columns = {name: value for name, value in sent.items() if name != "client_secret"}
    for name, value in columns.items():
        setattr(row, name, value)
    if not row.issuer or not row.client_id:
        raise Invalid(reason=_("An OpenID Connect client needs an issuer and a client_id."))
    fetching.check_address(row.issuer)
    if "client_secret" in sent:
        said = sent["client_secret"]
        row.encrypted_secret = encrypt(said, CLIENT_SECRET(provider.pk)) if said else ""
    row.save()


class Mappings(Resource[Mapping]):
    def incoming(self, actor: RequestContext, values: Values, row: Any = None) -> Values:
        values.pop("id", None)  # the address has it
        version = values.get("schema_version") or (row.schema_version if row is not None else "1.0")
        rules = values["rules"] if row is None else values.get("rules", row.rules)
        rule_schema.check(rules, version)
        if "schema_version" in values:
            values["schema_version"] = version  # clients send null for "as it is"
        return values

    def leaving(self, actor: RequestContext, row: Any) -> None:
        if Protocol.objects.filter(mapping=row).exists():
            raise MappingInUse(id=row.pk)


class ServiceProviders(Resource[ServiceProvider]):
    def incoming(self, actor: RequestContext, values: Values, row: object = None) -> Values:
        if values.get("relay_state_prefix", "") is None:
            values["relay_state_prefix"] = "ss:mem:"
        return values


PROVIDERS = Providers(
    model=IdentityProvider,
    name="identity_provider",
    plural="identity_providers",
    path="/OS-FEDERATION/identity_providers",
    fields=PROVIDER,
    columns={"id": "id", "enabled": "enabled"},
    fixed=("id", "domain_id"),
    keeps_extra=False,
)
MAPPINGS = Mappings(
    model=Mapping,
    name="mapping",
    plural="mappings",
    path="/OS-FEDERATION/mappings",
    fields=MAPPING,
    keeps_extra=False,
)
SERVICE_PROVIDERS = ServiceProviders(
    model=ServiceProvider,
    name="service_provider",
    plural="service_providers",
    path="/OS-FEDERATION/service_providers",
    fields=SERVICE_PROVIDER,
    columns={"id": "id", "enabled": "enabled"},
    keeps_extra=False,
)


# ── Protocols: their ids are unique inside a provider ───────────────────────────────────────────────────────────────


def _mapping(values: Values) -> None:
    if "mapping_id" in values and not Mapping.objects.filter(pk=values["mapping_id"]).exists():
        raise NoMapping(id=values["mapping_id"])


def protocols(actor: RequestContext, provider_id: str) -> Any:
    """Raises: Forbidden, Missing."""
    enforce(actor, "identity:list_protocols")
    return PROVIDERS.find(provider_id).protocols.order_by("id")


def protocol(actor: RequestContext, provider_id: str, id: str, *, verb: str = "get_protocol") -> Protocol:
    """Find a protocol of an identity provider that the actor may `verb`. Raises: Forbidden, Missing."""
    enforce(actor, f"identity:{verb}")
    row = Protocol.objects.filter(provider_id=provider_id, id=id).first()
    if row is None:
        raise Missing(kind=_("federated protocol"), id=id)
    return row


def create_protocol(actor: RequestContext, provider_id: str, id: str, values: Values) -> Protocol:
    """Raises: Forbidden, Missing, NoMapping, Duplicate."""
    enforce(actor, "identity:create_protocol")
    provider = PROVIDERS.find(provider_id)
    _mapping(values)
    try:
        with transaction.atomic():
            return Protocol.objects.create(provider=provider, id=id, **values)
    except IntegrityError:
        raise Duplicate(kind="federation_protocol") from None


def update_protocol(actor: RequestContext, provider_id: str, id: str, values: Values) -> Protocol:
    """Raises: Forbidden, Missing, NoMapping."""
    row = protocol(actor, provider_id, id, verb="update_protocol")
    _mapping(values)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row
