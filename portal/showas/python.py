"""The form for Python: a call of the SDK, or its bare request where the SDK has no method for it."""

import json
import re
from collections.abc import Mapping

from portal.showas.kinds import NEVER, SAME, Use
from portal.showas.places import MADE, Value, split

WIDE = 88
#: Begins paths of services whose proxy knows its version by itself.
_VERSION = re.compile(r"^/v\d+(\.\d+)?(?=/)")
HEAD = "import openstack\n\nconn = openstack.connect()\n"


def _name(part: tuple[str, str], fields: Mapping[str, str]) -> str:
    kind, name = part
    return f"{name}{fields.get(name, '.id')}" if kind == MADE else f'os.environ["{name.upper()}"]'


def literal(value: Value, fields: Mapping[str, str], indent: str = "") -> str:
    """Write a value; its places are variables and the environment. `fields`: label → how its id is read."""
    if isinstance(value, str):
        parts = [
            _name(part, fields) if isinstance(part, tuple) else json.dumps(part, ensure_ascii=False)
            for part in split(value)
        ]
        return " + ".join(parts) or '""'
    if isinstance(value, Mapping | list | tuple):
        inner = indent + "    "
        if isinstance(value, Mapping):
            found = [
                f"{json.dumps(key, ensure_ascii=False)}: {literal(one, fields, inner)}" for key, one in value.items()
            ]
        else:
            found = [literal(one, fields, inner) for one in value]
        return _bracket("{", found, "}", indent) if isinstance(value, Mapping) else _bracket("[", found, "]", indent)
    return repr(value)


def _bracket(before: str, parts: list[str], after: str, indent: str) -> str:
    line = f"{before}{', '.join(parts)}{after}"
    if len(indent + line) <= WIDE and "\n" not in line:
        return line
    inside = "".join(f"{indent}    {part},\n" for part in parts)
    return f"{before}\n{inside}{indent}{after}"


def call(use: Use, fields: Mapping[str, str], version: str = "") -> str:
    """Write one call, without the head. `version` is the service's newest microversion, for a bare request."""
    kind = use.kind
    if not kind.sdk or any(arg.sdk == NEVER for arg, _value in use.args):
        return _bare(use, fields, kind.newest or version)
    positional: list[str] = []
    named: dict[str, Value] = {}
    for arg, value in use.args:
        if arg.wire is None and arg.sdk == SAME:
            continue
        sent = arg.wire(value) if arg.wire else value
        if arg.sdk == "*" or (arg.name in kind.in_path and arg.sdk == SAME):
            positional.append(literal(sent, fields, "    "))
        elif arg.sdk == "**":
            named |= sent
        elif arg.sdk:
            named[(arg.key or arg.name) if arg.sdk == SAME else arg.sdk] = sent
    odd = {name: value for name, value in named.items() if not name.isidentifier()}
    parts = positional + [
        f"{name}={literal(value, fields, '    ')}" for name, value in named.items() if name not in odd
    ]
    parts += [f"**{literal(odd, fields, '    ')}"] if odd else []
    text = _bracket(f"{kind.proxy}.{kind.sdk}(", parts, ")", "")
    if kind.picks:
        return f"next({text})"
    if kind.method == "GET":
        return f"for one in {text}:\n    print(one.{kind.key}, one.{kind.named})"
    return text


def _bare(use: Use, fields: Mapping[str, str], version: str) -> str:
    body = use.body()
    parts = [literal(_VERSION.sub("", use.path()), fields)]
    parts += (
        [f"json={literal(body, fields, '    ')}"] if body is not None and use.kind.media == "application/json" else []
    )
    if body is not None and use.kind.media != "application/json":
        parts += [f"json={literal(body, fields, '    ')}", f'headers={{"Content-Type": "{use.kind.media}"}}']
    parts += [f'microversion="{version}"'] if version else []
    return _bracket(f"{use.kind.proxy}.{use.kind.method.lower()}(", parts, ")", "")
