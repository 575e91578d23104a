"""Forms for a shell: the `openstack` client, and curl."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from string import Formatter

from portal.showas.kinds import Arg, Use
from portal.showas.places import Value, split

WIDE = 88
#: The line before requests: a token, unless there is one.
TOKEN = "OS_TOKEN=${OS_TOKEN:-$(openstack token issue -f value -c id)}"
FILE = " <file>"
#: Words that belong on one line.
Words = list[str]


class Raw(str):
    """A word that a shell reads as it is: its parts are quoted already. A type of its own, so that no text can say it of itself."""

    __slots__ = ()


def quote(text: str) -> str:
    """Quote one word; its places become variables."""
    parts = [f'"${part[1].upper()}"' if isinstance(part, tuple) else shlex.quote(part) for part in split(text)]
    return "".join(parts) or "''"


def said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def items(value: Value) -> Iterable[Value]:
    """List what an option is repeated for: the values of a list, the pairs of a dict, else the one value."""
    if isinstance(value, Mapping):
        several = {key: one if isinstance(one, list | tuple) else [one] for key, one in value.items()}
        return [{"key": key, "value": said(part)} for key, one in several.items() for part in one]
    return value if isinstance(value, list | tuple) else [value]


def option(arg: Arg, value: Value) -> list[Words]:
    """Return the option of an argument, once for each value; none where it is positional or has no option."""
    if arg.is_unsaid(value):
        return []
    if isinstance(arg.cli, Mapping):
        return [words] if (words := arg.cli.get(value, "").split()) else []
    if not arg.cli or arg.cli == "<>":
        return []
    first, semicolon, others = arg.cli.partition("; ")
    if semicolon:
        return [[first], *option(replace(arg, cli=others), value)]
    if "|" in arg.cli:
        yes, no = arg.cli.split("|")
        return [words] if (words := (yes if value else no).split()) else []
    if arg.cli.startswith("<"):
        return [[Raw(arg.cli.format(quote(str(value))))]]
    if arg.cli.endswith(FILE):
        return [
            [
                arg.cli.removesuffix(FILE),
                Raw(f"<(printf %s {quote(value if isinstance(value, str) else json.dumps(value))})"),
            ]
        ]
    name, _space, form = arg.cli.partition(" ")
    return [[name, _filled(form or "{}", one)] for one in items(value)]


def _filled(form: str, value: Value) -> str:
    """Fill in a value; of a dict only the parts between commas that it has."""
    if not isinstance(value, Mapping):
        return form.format(said(value))
    names = {
        part: [name for _text, name, _spec, _conversion in Formatter().parse(part) if name] for part in form.split(",")
    }
    return ",".join(
        part.format_map(value)
        for part, wanted in names.items()
        if all(value.get(name) not in (None, "") for name in wanted)
    )


def lines(groups: Sequence[Words]) -> str:
    """Write a command on one line, or its groups of words on a line each where it is long."""
    said = [" ".join(word if isinstance(word, Raw) else quote(word) for word in words) for words in groups if words]
    line = " ".join(said)
    return line if len(line) <= WIDE else " \\\n  ".join(said)


def cli(use: Use, more: Words = []) -> str:  # noqa: B006
    """Write the call as a command of the client. `more` are options beside those of its arguments."""
    options: list[Words] = []
    last: list[Words] = []
    since = ""
    for arg in use.kind.args:
        if arg.cli == "<>":
            last += [[said(one)] for one in items(use.known.get(arg.name, ""))]
        found = option(arg, use.known[arg.name]) if arg.name in use.known else []
        options += found
        since = max(since, arg.since, key=_number) if found else since
    version = [f"--os-{use.kind.service}-api-version", since] if since else []
    return lines([["openstack", *version, *use.kind.cli.split()], *options, more, *last])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else ()


def curl(use: Use, address: Callable[[str], str], versions: Mapping[str, str]) -> str:
    """Write the call as a request. `address` is where a service is; `versions` its newest microversion, if it has any."""
    kind, body = use.kind, use.body()
    method = [] if kind.method == "GET" else ["-X", kind.method]
    groups = [["curl", "-sS", "--fail-with-body", *method, address(kind.service) + use.path()]]
    groups.append(["-H", Raw('"X-Auth-Token: $OS_TOKEN"')])
    if version := kind.newest or versions.get(kind.service):
        groups.append(["-H", f"OpenStack-API-Version: {kind.service} {version}"])
    if kind.media == "application/octet-stream":
        groups += [["-H", f"Content-Type: {kind.media}"], ["--data-binary", f"@{body}"]]
    elif body is not None:
        groups += [["-H", f"Content-Type: {kind.media}"], ["-d", json.dumps(body, ensure_ascii=False)]]
    return lines(groups)
