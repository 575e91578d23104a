"""The form for Terraform: a block of its configuration, or a sentence where it has none for the call."""

import json
from collections.abc import Mapping, Sequence

from portal.showas.kinds import SAME, Arg, Terraform, Use
from portal.showas.places import MADE, Value, split

#: Label → (resource type, its attribute that is the id).
Known = Mapping[str, tuple[str, str]]


def literal(value: Value, known: Known) -> str:
    """Write a value of HCL; its places are variables and attributes of other resources."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return _text(value, known)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_text(str(key), known)} = {literal(one, known)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(literal(one, known) for one in value)}]"


def _reference(part: tuple[str, str], known: Known) -> str:
    kind, name = part
    resource, attribute = known.get(name, ("", "id"))
    return f"{resource}.{name}.{attribute}" if kind == MADE and resource else f"var.{name.lower()}"


def _text(value: str, known: Known) -> str:
    parts = split(value)
    if len(parts) == 1 and isinstance(parts[0], tuple):
        return _reference(parts[0], known)
    said = [f"${{{_reference(part, known)}}}" if isinstance(part, tuple) else _escaped(part) for part in parts]
    return f'"{"".join(said)}"'


def _escaped(text: str) -> str:
    found = json.dumps(text, ensure_ascii=False)[1:-1]
    return found.replace("${", "$${").replace("%{", "%%{")


def attributes(pairs: Mapping[str, Value], known: Known, indent: str = "  ") -> list[str]:
    """Write attributes, their signs one below the other as `terraform fmt` has them."""
    wide = max(map(len, pairs), default=0)
    return [f"{indent}{name.ljust(wide)} = {literal(value, known)}" for name, value in pairs.items()]


def blocks(arg: Arg, value: Value, known: Known) -> list[str]:
    """Write an argument that is a block for each of its values."""
    name, _brace, inside = arg.tf.partition("{")
    name, key, found = arg.name if name == SAME else name, inside.rstrip("}"), []
    for one in value if isinstance(value, list | tuple) else [value]:
        found += ["", f"  {name} {{", *attributes({key: one} if key else one, known, "    "), "  }"]
    return found


def block(use: Use, known: Known, name: str) -> str:
    """Write the block of a call, after that by which Terraform takes over what is there already. Empty for a sentence."""
    form = use.kind.tf
    if not isinstance(form, Terraform):
        return ""
    plain = {arg.name if arg.tf == SAME else arg.tf: value for arg, value in use.args if arg.tf and "{" not in arg.tf}
    lines = attributes({**plain, **form.fixed}, known)
    lines += [line for arg, value in use.args if "{" in arg.tf for line in blocks(arg, value, known)]
    head = "data" if form.how == "data" else "resource"
    text = "\n".join([f'{head} "{form.resource}" "{name}" {{', *lines, "}"])
    if form.how != "change":
        return text
    id = literal(form.id.format_map(dict(use.values)), known)
    return f"import {{\n  to = {form.resource}.{name}\n  id = {id}\n}}\n\n{text}"


def variables(names: Sequence[str]) -> str:
    """Declare the secrets, and what nobody has typed yet."""
    return "\n\n".join(f'variable "{name.lower()}" {{\n  sensitive = true\n}}' for name in names)
