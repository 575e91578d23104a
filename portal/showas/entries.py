"""What an address of the portal does, said in kinds of calls: one entry for each action and list."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from portal.showas.kinds import NO_SOURCE, TAKE_OUT, UNKNOWN_THERE, Arg, Kind, Terraform, Use
from portal.showas.places import Value, missing
from portal.ui import Text
from portal.ui.calls import Call


class Typed(dict[str, Value]):
    """Values of a form as far as they are right; one that is asked for and not there is a place."""

    asked: frozenset[str] = frozenset()  # fields that the form asks for
    changed: frozenset[str] = frozenset()  # fields that differ from how the dialog began

    def __missing__(self, name: str) -> str:
        return missing(name)

    @property
    def edited(self) -> "Typed":
        """What differs; all, as long as nothing does."""
        return Typed({name: value for name, value in self.items() if name in self.changed}) if self.changed else self


#: Tells label → id of what a service made.
Ids = Callable[[Value], Mapping[str, str]]
#: The calls of an action, from the request and what was typed.
Uses = Callable[[Call, Typed], Sequence[Use]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`ids` tells, of what the service made, label → id, for scripts; without it the only call that makes something made it.

    `read` reads the form of a page that is no declared dialog.
    """

    uses: Uses
    ids: Ids | None = None
    read: Callable[[Value], dict[str, Value]] | None = None


def each(kind: Kind) -> Entry:
    """Call it for each row that the address names."""
    return Entry(uses=lambda call, typed: [Use(kind, {"id": id}) for id in call.ids])


def straight(kind: Kind, ids: Ids | None = None, /, **renamed: str) -> Entry:
    """Call it once, with what the address names and what was typed. `renamed`: wire name → field, where they differ."""
    return Entry(uses=lambda call, typed: [Use(kind, {**call.keys, **of_kind(kind, typed, renamed)})], ids=ids)


def edit(kind: Kind, /, **renamed: str) -> Entry:
    """Call it for the row in the address with what differs."""
    return Entry(uses=lambda call, typed: [Use(kind, {"id": call.id, **of_kind(kind, typed.edited, renamed)})])


def of_kind(kind: Kind, typed: Typed, renamed: Mapping[str, str] = MappingProxyType({})) -> dict[str, Value]:
    """Take the values that a kind knows: what was typed, and places of what a form asks for and has not got."""
    fields = {arg.name: renamed.get(arg.name, arg.name) for arg in kind.args}
    return {name: typed[field] for name, field in fields.items() if field in typed or field in typed.asked}


def once(kind: Kind, **values: Value) -> Entry:
    """Call it once: a list, narrowed as its address says."""
    return Entry(uses=lambda call, typed: [Use(kind, {**values, **narrowed(kind, call.request.GET)})])


def narrowed(kind: Kind, asked: Mapping[str, str]) -> dict[str, Value]:
    """Read the filters of a list that its kind knows too. What Terraform finds one by is what the filter says."""
    given = [(arg, asked.get(arg.asks, "").strip()) for arg in kind.args if arg.asks]
    found = {arg.name: arg.read(text) for arg, text in given if text}
    return found | ({"named": found["name"]} if "name" in found else {})


def listing(
    service: str,
    path: str,
    cli: str,
    sdk: str,
    tf: Terraform | Text = NO_SOURCE,
    *,
    key: str = "id",
    args: Sequence[Arg] = (),
) -> Kind:
    """Make the kind of a list."""
    return Kind(name=cli, service=service, method="GET", path=path, cli=cli, sdk=sdk, tf=tf, key=key, args=args)


@dataclass(frozen=True, kw_only=True)
class Family:
    """The kinds of one resource. `update` is nobody's where it cannot be changed, `list` where no page lists it."""

    create: Kind
    update: Kind
    delete: Kind
    list: Kind
    is_fixed: bool = False
    is_listed: bool = True

    def kinds(self) -> Iterator[Kind]:
        """Yield those that there are."""
        yield from (self.create, self.delete)
        if self.is_listed:
            yield self.list
        if not self.is_fixed:
            yield self.update


def _source(tf: str, source: bool | str) -> Terraform | Text:
    read = source if isinstance(source, str) else tf if source else ""
    return Terraform(read, "data") if read else NO_SOURCE


def family(
    service: str,
    path: str,
    wrap: str,
    cli: str,
    sdk: str,
    args: Sequence[Arg],
    *,
    tf: str = "",
    source: bool | str = True,
    plural: str = "",
    change: Sequence[Arg] | None = None,
    method: str = "PUT",
    gives: str = "",
    ids: str = "id",
    listed: str = "",
    is_fixed: bool = False,
    asks: Sequence[Arg] = (),
    begins: Mapping[str, Value] = MappingProxyType({}),
) -> Family:
    """Make the four kinds that most resources have. `args` are those of a creation, `change` those of a change where they differ, `asks` the filters
    of the list.

    A positional name is `--name` in a change. `source`: whether Terraform reads one by its name, or what it calls that. `begins`: more of a creation.
    """
    id, one = Arg("id", cli="<>"), dict[str, Value](service=service, wrap=wrap)
    there = path + "/{id}"
    changes = [
        replace(arg, cli="--name") if arg.name == "name" and arg.cli == "<>" else arg
        for arg in (args if change is None else change)
    ]
    return Family(
        is_fixed=is_fixed,
        create=Kind(
            name=f"{cli}.create", method="POST", path=path, cli=f"{cli} create", sdk=f"create_{sdk}", args=args, key=ids,
            gives=gives or cli.replace(" ", "_"), tf=Terraform(tf) if tf else UNKNOWN_THERE, **begins, **one,
        ),
        update=Kind(
            name=f"{cli}.update", method=method, path=there, cli=f"{cli} set", sdk=f"update_{sdk}", args=[id, *changes], keeps_empty=True,
            tf=Terraform(tf, "change") if tf else UNKNOWN_THERE, **one,
        ),
        delete=Kind(
            name=f"{cli}.delete", method="DELETE", path=there, cli=f"{cli} delete", sdk=f"delete_{sdk}", args=[id],
            tf=TAKE_OUT if tf else UNKNOWN_THERE, **one,
        ),
        list=Kind(
            name=f"{cli}.list", service=service, method="GET", path=listed or path, cli=f"{cli} list", sdk=plural or f"{sdk}s", key=ids,
            args=[Arg("named", tf="name", wire=None), *asks], tf=_source(tf, source),
        ),
    )  # fmt: skip


def rows_of(kinds: Family, routes: str, **renamed: str) -> dict[str, Entry]:
    """Make the entries that most panels have: `routes` as "networks network" is the list's name and the thing's."""
    several, one = routes.split()
    return {
        several: once(kinds.list, named=missing("name")),
        f"{several}-delete": each(kinds.delete),
        f"{one}-delete": each(kinds.delete),
        f"{one}-edit": edit(kinds.update, **renamed),
        f"{one}-create": straight(kinds.create, **renamed),
    }
