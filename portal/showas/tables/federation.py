"""Identity providers, their protocols, and mappings."""

from identity.federation import services
from portal.showas.entries import Entry, Typed, each, edit, of_kind, once
from portal.showas.kinds import UNKNOWN_THERE, Arg, Kind, Use
from portal.showas.places import Value
from portal.showas.tables.identity import enabling
from portal.ui.calls import Call

#: Its id is in the path, and for the SDK an attribute.
ID, NEW = Arg("id", cli="<>"), Arg("id", cli="<>", sdk="id")
_SHOWN = (
    Arg("remote_ids", cli="--remote-id"),
    Arg("description", cli="--description", filled=True),
    Arg("authorization_ttl", cli="--authorization-ttl"),
    Arg("enabled", cli="--enable|--disable", sdk="is_enabled"),
)


def _kind(name: str, method: str, path: str, cli: str, sdk: str, *args: Arg, wrap: str = "", **more: Value) -> Kind:
    return Kind(
        name=name, service="identity", method=method, path=f"/OS-FEDERATION/{path}", cli=cli, sdk=sdk, wrap=wrap, args=args, tf=UNKNOWN_THERE,
        **more,
    )  # fmt: skip


_PROVIDER, _MAPPING, _PROTOCOL = "identity_providers/{id}", "mappings/{id}", "identity_providers/{idp}/protocols/{id}"
DOMAIN = Arg("domain_id", cli="--domain")
PROVIDER = _kind(
    "provider.create",
    "PUT",
    _PROVIDER,
    "identity provider create",
    "create_identity_provider",
    NEW,
    DOMAIN,
    *_SHOWN,
    wrap="identity_provider",
)
PROVIDER_SET = _kind(
    "provider.update", "PATCH", _PROVIDER, "identity provider set", "update_identity_provider", ID, *_SHOWN, wrap="identity_provider",
    keeps_empty=True,
)  # fmt: skip
PROVIDER_GONE = _kind(
    "provider.delete", "DELETE", _PROVIDER, "identity provider delete", "delete_identity_provider", ID
)
PROVIDERS = _kind("provider.list", "GET", "identity_providers", "identity provider list", "identity_providers")
_RULES = (Arg("rules", cli="--rules <file>"), Arg("schema_version", cli="--schema-version"))
MAPPING = _kind("mapping.create", "PUT", _MAPPING, "mapping create", "create_mapping", NEW, *_RULES, wrap="mapping")
MAPPING_SET = _kind("mapping.update", "PATCH", _MAPPING, "mapping set", "update_mapping", ID, *_RULES, wrap="mapping")
MAPPING_GONE = _kind("mapping.delete", "DELETE", _MAPPING, "mapping delete", "delete_mapping", ID)
MAPPINGS = _kind("mapping.list", "GET", "mappings", "mapping list", "mappings", key="id")
IDP = Arg("idp", cli="--identity-provider")
_BY = (Arg("mapping_id", cli="--mapping"), Arg("remote_id_attribute"))
PROTOCOL = _kind(
    "protocol.create",
    "PUT",
    _PROTOCOL,
    "federation protocol create",
    "create_federation_protocol",
    IDP,
    NEW,
    *_BY,
    wrap="protocol",
)
PROTOCOL_SET = _kind(
    "protocol.update", "PATCH", _PROTOCOL, "federation protocol set", "", IDP, ID, *_BY, wrap="protocol"
)
PROTOCOL_GONE = _kind(
    "protocol.delete", "DELETE", _PROTOCOL, "federation protocol delete", "delete_federation_protocol", IDP, ID
)


def straight(kind: Kind) -> Entry:
    """Call it once with what was typed, its id among that."""
    return Entry(uses=lambda call, typed: [Use(kind, of_kind(kind, typed))])


def protocol(kind: Kind) -> Entry:
    """Call it for the protocol in the address, or the new one of the provider there."""

    def uses(call: Call, typed: Typed) -> list[Use]:
        return [
            Use(
                kind,
                {"id": typed.get("id") or call.keys.get("protocol"), "idp": call.keys["id"], **of_kind(kind, typed)},
            )
        ]

    return Entry(uses=uses)


ENTRIES: dict[str, Entry] = {
    "identity-providers": once(PROVIDERS),
    "identity-provider-create": straight(PROVIDER),
    "identity-provider-edit": edit(PROVIDER_SET),
    "identity-provider-delete": each(PROVIDER_GONE),
    "identity-providers-delete": each(PROVIDER_GONE),
    "identity-provider-switch": enabling(PROVIDER_SET, services.PROVIDERS),
    "identity-providers-switch": enabling(PROVIDER_SET, services.PROVIDERS),
    "mappings": once(MAPPINGS),
    "mapping-create": straight(MAPPING),
    "mapping-edit": edit(MAPPING_SET),
    "mapping-delete": each(MAPPING_GONE),
    "mappings-delete": each(MAPPING_GONE),
    "protocol-create": protocol(PROTOCOL),
    "protocol-edit": protocol(PROTOCOL_SET),
    "protocol-delete": protocol(PROTOCOL_GONE),
}
