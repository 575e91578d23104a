"""The parts of the OpenAPI document that many routes share, under names of their own."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count

import orjson

from openstackapi import render, services
from openstackapi.envelopes import Fault
from openstackapi.fields import Schema
from openstackapi.shapes import json_schema

JSON = "application/json"
SHARED = 400  # bytes of JSON from which on a schema that is used again gets a name


def fault(service: str) -> Schema:
    """Schema of a service's faults, with an example."""
    envelope, other = (services.fault_body(Fault(service, status, "Code", "Message", "req-")) for status in (404, 409))
    schema = json_schema(_alike(envelope))
    if envelope.keys() != other.keys():  # named by the kind of fault
        schema = json_schema({str: _alike(next(iter(envelope.values())))})
    words = "A sentence that says what, why and what next."
    return {
        "description": words,
        "headers": {"X-Openstack-Request-Id": {"$ref": "#/components/headers/request_id"}},
        "content": {
            media: {"schema": schema if media == JSON else {"type": "string"}} for media in render.fault_types(service)
        },
    }


def _alike(data: object) -> object:
    """The shape of what has the types of `data`."""
    if isinstance(data, Mapping):
        return {name: _alike(value) for name, value in data.items()}
    return [_alike(data[0])] if isinstance(data, list) else type(data)


def components(result: Schema, generator: object, request: object, public: bool) -> Schema:
    """Names what is said many times: faults, the request's id, and the things that several routes show."""
    found = result.setdefault("components", {})
    result["tags"] = [{"name": service.type, "description": service.about} for service in services.every()]
    tags = {operation["tags"][0] for path in result["paths"].values() for operation in path.values()}
    found["responses"] = {f"{tag}_fault": fault(tag) for tag in sorted(tags)}
    found["headers"] = {
        "request_id": {
            "description": "The id of this request, in every log line and timeline about it.",
            "schema": {"type": "string", "pattern": "^req-[0-9a-f-]{36}$"},
        }
    }
    found["schemas"] = _Names(result["paths"]).schemas
    return result


class _Names:
    """Schemas that answers have in common, put under a name; the answers refer to it."""

    def __init__(self, paths: Schema) -> None:
        self.schemas: dict[str, Schema] = {}
        self._seen: Counter[bytes] = Counter()
        self._named: dict[bytes, str] = {}
        places = [place for path in paths.values() for operation in path.values() for place in _things(operation)]
        for tag, holder, key, _name in places:
            self._seen[_text(tag, holder[key])] += 1
        for tag, holder, key, name in places:
            text = _text(tag, holder[key])
            if len(text) >= SHARED and self._seen[text] > 1:
                holder[key] = {"$ref": f"#/components/schemas/{self._name(tag, name, text, holder[key])}"}

    def _name(self, tag: str, name: str, text: bytes, schema: Schema) -> str:
        if text not in self._named:
            base = f"{tag}_{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}"
            names = (base if n == 1 else f"{base}_{n}" for n in count(1))
            self._named[text] = next(name for name in names if name not in self.schemas)
            self.schemas[self._named[text]] = schema
        return self._named[text]


def _text(tag: str, schema: Schema) -> bytes:
    return tag.encode() + orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)


def _things(operation: Schema) -> Iterator[tuple[str, Schema, str, str]]:
    """(tag, where, key, name) of each thing in the envelopes of an operation's answers."""
    tag = operation["tags"][0]
    for response in operation["responses"].values():
        envelope = response.get("content", {}).get(JSON, {}).get("schema", {})
        for name, schema in envelope.get("properties", {}).items():
            if isinstance(schema.get("items"), dict):
                yield tag, schema, "items", re.sub("ies$", "y", name).removesuffix("s")
            else:
                yield tag, envelope["properties"], name, name
