"""What an address of the portal does, said in kinds of calls: one entry for each action and list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portal.showas.kinds import NO_SOURCE, SAME, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.ui import Text
from portal.ui.calls import Call


class Typed(dict[str, Value]):
    """Values of a form as far as they are right; one that is asked for and not there is a place."""

    def __missing__(self, name: str) -> str:
        return missing(name)


#: The calls of an action, from the request and what was typed.
Uses = Callable[[Call, Typed], Sequence[Use]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`ids` tells, of what the service made, label → id, for scripts; without it the only call that makes something made it.

    `read` reads the form of a page that is no declared dialog.
    """

    uses: Uses
    ids: Callable[[Value], Mapping[str, str]] | None = None
    read: Callable[[Value], dict[str, Value]] | None = None


def each(kind: Kind) -> Entry:
    """Call it for each row that the address names."""
    return Entry(uses=lambda call, typed: [Use(kind, {"id": id}) for id in call.ids])


def straight(kind: Kind, **fixed: Value) -> Entry:
    """Call it once, with what the address names and what was typed: fields are called as on the wire."""
    return Entry(uses=lambda call, typed: [Use(kind, {**call.keys, **of_kind(kind, typed), **fixed})])


def of_kind(kind: Kind, typed: Typed) -> dict[str, Value]:
    """Take the values that a kind knows."""
    return {arg.name: typed[arg.name] for arg in kind.args if arg.name in typed}


def once(kind: Kind, **values: Value) -> Entry:
    """Call it once, as it stands: a list."""
    return Entry(uses=lambda call, typed: [Use(kind, values)])


def listing(
    service: str, path: str, cli: str, sdk: str, tf: Terraform | Text = NO_SOURCE, *, key: str = "id", **more: Value
) -> Kind:
    """Make the kind of a list. `more` are its fixed filters: name → option of the client."""
    args = [Arg(name, cli=option, tf=SAME) for name, option in more.items()]
    return Kind(name=f"{cli}", service=service, method="GET", path=path, cli=cli, sdk=sdk, tf=tf, key=key, args=args)
