"""Metadata definitions: namespaces, what is defined in them, and what they are for."""

import json
from collections.abc import Mapping

from portal.metadefs.dialogs import differences, plain, seen
from portal.showas.entries import Entry, Typed, each, once
from portal.showas.kinds import NEVER, NO_SOURCE, UNKNOWN_THERE, Arg, Kind, Use
from portal.showas.places import Value, missing
from portal.ui.calls import Call

_DEFINED = "/v2/metadefs/namespaces"
_COMMAND = "image metadef namespace"
_IN = Arg("id", cli="<>")
_ABOUT = (
    Arg("display_name", cli="--display-name"),
    Arg("description", cli="--description"),
    Arg("visibility", cli={"public": "--public", "private": "--private"}),
    Arg("protected", cli="--protected|--unprotected", sdk="is_protected"),
)


def _kind(name: str, method: str, path: str, cli: str, sdk: str, *args: Arg, keeps_empty: bool = False) -> Kind:
    return Kind(
        name=f"metadef.{name}", service="image", method=method, path=_DEFINED + path, cli=cli, sdk=sdk, args=args, tf=UNKNOWN_THERE,
        keeps_empty=keeps_empty,
    )  # fmt: skip


LIST = Kind(
    name="metadef.list", service="image", method="GET", path=_DEFINED, cli=f"{_COMMAND} list", sdk="metadef_namespaces", key="namespace",
    tf=NO_SOURCE,
)  # fmt: skip
CREATE = _kind(
    "create", "POST", "", f"{_COMMAND} create", "create_metadef_namespace", Arg("namespace", cli="<>"), *_ABOUT
)
#: All of it is said each time: what is not said is as in a new one.
UPDATE = _kind(
    "update",
    "PUT",
    "/{id}",
    f"{_COMMAND} set",
    "update_metadef_namespace",
    _IN,
    Arg("namespace", sdk=""),
    *_ABOUT,
    keeps_empty=True,
)
DELETE = _kind("delete", "DELETE", "/{id}", f"{_COMMAND} delete", "delete_metadef_namespace", _IN)
PROPERTY = _kind(
    "add-property", "POST", "/{id}/properties", "image metadef property create", "create_metadef_property", _IN,
    Arg("name", cli="--name"), Arg("title", cli="--title"), Arg("type", cli="--type"), Arg("schema", cli="--schema", wire=None),
    Arg("more", sdk="**", spread=True),
)  # fmt: skip
OBJECT = _kind(
    "add-object", "POST", "/{id}/objects", "image metadef object create", "create_metadef_object", Arg("id", cli="--namespace"),
    Arg("name", cli="<>"), Arg("description", cli=NEVER), Arg("required", cli=NEVER), Arg("properties", cli=NEVER),
)  # fmt: skip
#: The client says the whole namespace with each tag.
TAG = _kind(
    "add-tag", "POST", "/{id}/tags/{tag}", f"{_COMMAND} set", "add_tag_to_metadef_namespace", _IN,
    *(Arg(arg.name, cli=arg.cli, wire=None) for arg in _ABOUT), Arg("tag", cli="--tag"),
)  # fmt: skip
_TYPE = "image metadef resource type association"
ADD_TYPE = _kind(
    "add-type", "POST", "/{id}/resource_types", f"{_TYPE} create", "create_metadef_resource_type_association", _IN,
    Arg("name", cli="<>"), Arg("properties_target", cli="--properties-target"), Arg("prefix", cli=NEVER),
)  # fmt: skip
DROP_TYPE = _kind(
    "drop-type", "DELETE", "/{id}/resource_types/{type}", f"{_TYPE} delete", "delete_metadef_resource_type_association",
    Arg("id", cli="<>", sdk="metadef_namespace"), Arg("type", cli="<>", sdk="metadef_resource_type"),
)  # fmt: skip


def about(typed: Mapping[str, Value], said: Mapping[str, Value]) -> dict[str, Value]:
    """Return what a namespace is called, who sees it, and whether it may be deleted."""
    return {
        "display_name": said.get("display_name"),
        "description": said.get("description"),
        "visibility": seen({"public": typed.get("public")}),
        "protected": bool(typed.get("protected")),
    }


def define(call: Call, typed: Typed) -> list[Use]:
    """Return the creation of a namespace, and of each thing that its document defines in it."""
    document = plain(typed.get("text") or {})
    id, told = document.get("namespace") or missing("namespace"), about(typed, document)
    found = [Use(CREATE, {"namespace": id, **told})]
    found += [add_type(id, one) for one in of(document, "resource_type_associations")]
    properties: Value = document.get("properties") or {}
    for name, one in properties.items():
        rest = {key: value for key, value in one.items() if key not in ("name", "title", "type")}
        values = {
            "name": name,
            "title": one.get("title"),
            "type": one.get("type"),
            "schema": json.dumps(rest, ensure_ascii=False),
        }
        found.append(Use(PROPERTY, {"id": id, **values, "more": rest}))
    found += [Use(OBJECT, {"id": id, **one}) for one in of(document, "objects")]
    return found + [Use(TAG, {"id": id, **told, "tag": one.get("name")}) for one in of(document, "tags")]


def of(document: Mapping[str, Value], name: str) -> list[dict[str, Value]]:
    """List the parts of one kind in a document, as far as they are any."""
    parts = document.get(name)
    return [one for one in parts if isinstance(one, dict)] if isinstance(parts, list) else []


def add_type(id: Value, said: Mapping[str, Value]) -> Use:
    return Use(ADD_TYPE, {"id": id, **said})


def edit(call: Call, typed: Typed) -> list[Use]:
    return [Use(UPDATE, {"id": call.id, "namespace": call.id, **about(typed, typed)})]


def types(call: Call, typed: Typed) -> list[Use]:
    """Return the associations that go, and those that come."""
    gone, new = differences(call, {"types": typed.get("types") or [], "prefixes": typed.get("prefixes") or {}})
    return [Use(DROP_TYPE, {"id": call.id, "type": name}) for name in gone] + [add_type(call.id, one) for one in new]


ENTRIES: dict[str, Entry] = {
    "metadata-definitions": once(LIST),
    "metadata-definition-import": Entry(uses=define),
    "metadata-definition-edit": Entry(uses=edit),
    "metadata-definition-types": Entry(uses=types),
    "metadata-definition-delete": each(DELETE),
    "metadata-definitions-delete": each(DELETE),
}
