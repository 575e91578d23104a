"""A kind of call: one row says its request and what the client, the SDK and Terraform call it. The forms are made of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from urllib.parse import quote

from django.utils.translation import gettext_lazy

from openstackapi import services
from portal.showas.places import Value, made, place, split
from portal.ui import Text

SAME = "="  # called as on the wire
NEVER = "!"  # there, but not to be said in this form
#: Why a kind has no Terraform.
AN_ACT = gettext_lazy(
    "Terraform has no resource for this: it describes what there is, and this is something that is done once."
)
TAKE_OUT = gettext_lazy("Terraform deletes what its configuration no longer has: take the resource out and apply.")
UNKNOWN_THERE = gettext_lazy("Terraform's OpenStack provider has no resource for this.")
NO_SOURCE = gettext_lazy("Terraform's OpenStack provider has no data source for this.")


@dataclass(frozen=True)
class Arg:
    """One argument: its key on the wire, or the name of its place in the path.

    `cli`: "" has no option · "<>" is positional, '' where there is no value · "--name" · "--nic net-id={uuid}" once for each dict of a list, "--property {key}={value}" for
    each pair of a dict, "--tag {}" for each text · "--enable|--disable" for true and false · "< <(command {})" is where the client's input comes from · "--user-data <file>" takes the value as a file ·
    "--no-tag; --tag" has the first once before the others · a mapping says the option of each value · NEVER where the client has none. `sdk`:
    SAME, "*" positional, "**" the pairs of a dict, "" none, its name, or NEVER where the call is a bare request with it. `tf`: "" none, SAME, its name, "network{uuid}"
    for a block with that argument for each value, or "allocation_pool{}" for a block of each dict. `wire` turns what is known into what
    is sent. `since` is the microversion that knows the option.
    """

    name: str
    cli: str | Mapping[Value, str] = ""
    sdk: str = SAME
    tf: str = ""
    key: str = ""  # on the wire, where it is not the name
    wire: Callable[[Value], Value] | None = lambda value: value  # None: Terraform alone knows it
    since: str = ""
    outside: bool = False  # beside the body's one key, not inside
    spread: bool = False  # a dict whose pairs stand in the body themselves
    filled: bool = False  # the client leaves out an empty one: it cannot clear it
    asks: str = ""  # of a list: the portal's filter that it is
    read: Callable[[str], Value] = lambda text: {"True": True, "False": False}.get(
        text, text
    )  # what a filter's text says

    def is_unsaid(self, value: Value) -> bool:
        """Whether the client has no option for this value."""
        return self.cli == NEVER or (self.filled and is_empty(value))


@dataclass(frozen=True)
class Terraform:
    """A resource or data source. `how`: make | change (with an import of `id`) | data. `fixed` are arguments that always stand there."""

    resource: str
    how: str = "make"
    id: str = "{id}"
    fixed: Mapping[str, Value] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """How other blocks begin to say it."""
        return f"data.{self.resource}" if self.how == "data" else self.resource


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A thing that works on after the answer: how each form asks what status it has, and the status of a failure.

    `at` is the argument that is its id; without it the call makes the thing.
    """

    service: str
    path: str
    wrap: str
    cli: str
    sdk: str
    failed: str
    at: str = "id"


SERVER = Awaited(
    service="compute", path="/servers/{id}", wrap="server", cli="server show", sdk="get_server", failed="ERROR"
)


def in_catalog(type: str) -> str:
    """Return the type under which clients look for a service in the catalog."""
    found = services.find(type)
    return found.types[0] if found else type


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A row of the table. `wrap` is the key around the body; `whole` names the argument that is the whole body.

    `sdk` is a method of the service's proxy; "" is the bare request. `cli` is the words after `openstack`; "" where the client has none.
    `gives` is what a script calls what is made, `key` the field that names it, `read` how Python reads that where the SDK's method answers no
    resource; `ends` is the status that `awaited` comes to.
    """

    name: str
    service: str
    method: str
    path: str
    wrap: str = ""
    whole: str = ""
    cli: str = ""
    sdk: str = ""
    args: Sequence[Arg] = ()
    tf: Terraform | Text = AN_ACT
    gives: str = ""
    key: str = "id"
    named: str = "name"  # of a list: the field of the SDK's that people know one by
    read: str = ""
    ends: str = ""
    awaited: Awaited = SERVER
    within: str = ""  # the kind that does it too, everywhere but in bare requests
    picks: bool = False  # a list of which the first is meant
    keeps_empty: bool = False  # an empty text is an answer too: a change that clears something
    media: str = "application/json"
    newest: str = ""  # microversion of a bare request, where the service's newest no longer knows all of it

    @property
    def proxy(self) -> str:
        """The service as the SDK has it."""
        return proxy(self.service)

    @cached_property
    def in_path(self) -> frozenset[str]:
        return frozenset(name for _text, name, _spec, _conversion in Formatter().parse(self.path) if name)


def proxy(type: str) -> str:
    """Write a service as the SDK has it, which goes by the catalog."""
    return f"conn.{in_catalog(type).replace('-', '_')}"


def in_url(value: Value) -> str:
    """Write a value as it stands in an address; its places stay places."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(place(*part) if isinstance(part, tuple) else quote(part, safe=":@") for part in split(text))


def is_empty(value: Value) -> bool:
    """Whether a value is an empty text, list or dict."""
    return isinstance(value, str | list | tuple | dict) and not value


@dataclass(frozen=True)
class Use:
    """One call of a kind with its values; `label` names what it makes, so that others of the same script can say so."""

    kind: Kind
    values: Mapping[str, Value]
    label: str = ""

    @property
    def called(self) -> str:
        return self.label or self.kind.gives

    @property
    def made(self) -> str:
        """The id of what it makes."""
        return made(self.called)

    @cached_property
    def known(self) -> dict[str, Value]:
        """Its values that say something."""
        return {
            name: value
            for name, value in self.values.items()
            if value is not None and (self.kind.keeps_empty or not is_empty(value))
        }

    @property
    def args(self) -> list[tuple[Arg, Value]]:
        """Each argument that has a value, in the order of the table."""
        return [(arg, self.known[arg.name]) for arg in self.kind.args if arg.name in self.known]

    def path(self) -> str:
        """Build the path; of a list with what narrows it."""
        path = self.kind.path.format_map({name: in_url(self.values[name]) for name in self.kind.in_path})
        if self.kind.method != "GET":
            return path
        asked = [(arg, arg.wire(value)) for arg, value in self.args if arg.wire and arg.name not in self.kind.in_path]
        pairs = [f"{arg.key or arg.name}={in_url(value)}" for arg, value in asked]
        return f"{path}{'&' if '?' in path else '?'}{'&'.join(pairs)}" if pairs else path

    def body(self) -> Value:
        """Build the body; None for a request without one."""
        if self.kind.method in ("GET", "DELETE"):
            return None
        if self.kind.whole:
            return self.known.get(self.kind.whole)
        sent = [(arg, value) for arg, value in self.args if arg.wire and arg.name not in self.kind.in_path]
        outside = {arg.key or arg.name: arg.wire(value) for arg, value in sent if arg.wire and arg.outside}
        sent = [(arg, value) for arg, value in sent if not arg.outside]
        inner = {arg.key or arg.name: arg.wire(value) for arg, value in sent if arg.wire and not arg.spread}
        for value in (value for arg, value in sent if arg.spread):
            inner |= value
        if self.kind.wrap:
            return {self.kind.wrap: inner or ({} if self.kind.method == "PUT" else None), **outside}
        return inner or None
