"""Several calls as one text in each form: what a later one says of what an earlier one makes is a variable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.showas import python, shell, terraform
from portal.showas.kinds import Terraform, Use, proxy
from portal.showas.places import MADE, places_in
from portal.ui import Text

CLI, CURL, PYTHON, TERRAFORM = "cli", "curl", "python", "terraform"


@dataclass(frozen=True)
class Cloud:
    """Where requests go: the address of a service by its type, and the newest microversion of those that have any."""

    address: Callable[[str], str]
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """One form: its name and label; `text` to copy, and a sentence beside it or in its place."""

    name: str
    label: str
    text: str
    note: Text = ""


def needed(uses: Sequence[Use], *, bare: bool = False) -> set[str]:
    """Find the labels of what later calls say; `bare` counts those too that stand in requests alone."""
    return {
        name
        for use in (uses if bare else beyond_requests(uses))
        for kind, name in places_in(dict(use.values))
        if kind == MADE
    }


def beyond_requests(uses: Sequence[Use]) -> list[Use]:
    """List the calls without those that another one of theirs does too."""
    return [use for use in uses if not use.kind.within]


def asked(uses: Sequence[Use]) -> list[str]:
    """List the names of places that nothing in the script makes, secrets first of all."""
    return list(dict.fromkeys(name for use in uses for kind, name in places_in(dict(use.values)) if kind != MADE))


def has_command(use: Use) -> bool:
    """Whether the client can do it, or a part of it."""
    said = [(arg, value) for arg, value in use.args if arg.cli not in ("", "<>")]
    is_empty = use.kind.method in ("PUT", "PATCH") and bool(said) and all(arg.is_unsaid(value) for arg, value in said)
    return bool(use.kind.cli) and not is_empty


def beyond_client(use: Use) -> list[str]:
    """Say what of a call the client cannot do."""
    if not has_command(use):
        return [_("The client has no command for this.")]
    return [
        _("The client has no option for this: %(name)s") % {"name": arg.key or arg.name}
        for arg, value in use.args
        if arg.is_unsaid(value)
    ]


def as_cli(uses: Sequence[Use], *, waits: bool = False) -> str:
    wanted, found = needed(uses), []
    for use in beyond_requests(uses):
        found += [f"# {line}" for line in beyond_client(use)]
        if not has_command(use):
            continue
        if use.kind.gives and (use.called in wanted or _is_waited_for(use, wanted, waits)):
            found.append(f"{use.called.upper()}=$({shell.cli(use, ['-f', 'value', '-c', use.kind.key])})")
        else:
            found.append(shell.cli(use))
        found += _wait_in_shell(use) if _is_waited_for(use, wanted, waits) else []
    return "\n".join(found)


def _awaited(use: Use) -> str:
    """Return the id of what a call is about, or makes."""
    at = use.kind.awaited.at
    return str(use.values[at]) if at in use.values else use.made


def _wait(use: Use, state: str) -> list[str]:
    """Write the loop of a shell. What has failed becomes nothing else by itself: what follows then says what it lacks."""
    give_up = f'[ "$STATE" != {use.kind.awaited.failed} ] || break'
    return [f'until {state}; [ "$STATE" = {use.kind.ends} ]; do {give_up}; sleep 2; done']


def _wait_in_shell(use: Use) -> list[str]:
    shown = f"openstack {use.kind.awaited.cli} {shell.quote(_awaited(use))} -f value -c status"
    return _wait(use, f"STATE=$({shown})")


def as_curl(uses: Sequence[Use], cloud: Cloud) -> str:
    """Write the requests. What one makes is read from its answer by Python, which every machine with a client has."""
    wanted, found = needed(uses, bare=True), [shell.TOKEN]
    for use in uses:
        line = shell.curl(use, cloud.address, cloud.versions)
        if use.kind.gives and use.called in wanted:
            keys = [use.kind.wrap] if use.kind.wrap else []
            at = "".join(f'["{key}"]' for key in keys) + ("[0]" if use.kind.picks else "") + f'["{use.kind.key}"]'
            line = f"{use.called.upper()}=$({line} |\n  python3 -c 'import json, sys; print(json.load(sys.stdin){at})')"
        found.append(line)
        found += _wait_by_curl(use, cloud) if _is_waited_for(use, wanted, False) else []
    return "\n".join(found)


def _wait_by_curl(use: Use, cloud: Cloud) -> list[str]:
    what = use.kind.awaited
    url = shell.quote(cloud.address(what.service) + what.path.format(id=_awaited(use)))
    ask = f'curl -sS -H "X-Auth-Token: $OS_TOKEN" {url}'
    read = f'import json, sys; print(json.load(sys.stdin)["{what.wrap}"]["status"])'
    return _wait(use, f"STATE=$({ask} |\n  python3 -c '{read}')")


def _is_waited_for(use: Use, wanted: set[str], waits: bool) -> bool:
    """Whether a script goes on only once the thing is there: what comes next is about it, or each step is shown done."""
    return bool(use.kind.ends) and (waits or bool(use.kind.gives and use.called in wanted))


def as_python(uses: Sequence[Use], cloud: Cloud, *, waits: bool = False) -> str:
    wanted = needed(uses)
    fields = {use.called: use.kind.read or f".{use.kind.key}" for use in uses if use.kind.gives}
    found = []
    for use in beyond_requests(uses):
        text = python.call(use, fields, cloud.versions.get(use.kind.service, ""))
        is_waited_for = _is_waited_for(use, wanted, waits)
        is_named = use.kind.gives and (use.called in wanted or is_waited_for)
        found.append(f"{use.called} = {text}" if is_named else text)
        if is_waited_for:
            found.append(_wait_in_python(use, fields))
    head = "import os\n\n" + python.HEAD if asked(uses) else python.HEAD
    return head + "\n".join(found)


def _wait_in_python(use: Use, fields: Mapping[str, str]) -> str:
    what, service = use.kind.awaited, proxy(use.kind.awaited.service)
    got = f"{service}.{what.sdk}({python.literal(_awaited(use), fields)})"
    return f'{service}.wait_for_status({got}, status="{use.kind.ends}", failures=["{what.failed}"], wait=300)'


def as_terraform(uses: Sequence[Use]) -> tuple[str, Text]:
    """Return the configuration, and the sentence of the first call that has none."""
    with_block = [use for use in uses if isinstance(use.kind.tf, Terraform)]
    known = {
        use.called: (use.kind.tf.address, use.kind.key) for use in with_block if isinstance(use.kind.tf, Terraform)
    }
    names: dict[str, int] = {}
    blocks = []
    for use in with_block:
        name = use.called or use.kind.name.partition(".")[0].replace("-", "_")
        names[name] = names.get(name, 0) + 1
        blocks.append(terraform.block(use, known, name if names[name] == 1 else f"{name}_{names[name]}"))
    note = next((use.kind.tf for use in beyond_requests(uses) if not isinstance(use.kind.tf, Terraform)), "")
    declared = [terraform.variables(asked(with_block))] if asked(with_block) else []
    return "\n\n".join([*declared, *blocks]), note


def forms(uses: Sequence[Use], cloud: Cloud) -> list[Form]:
    """Write the calls of one action in all forms."""
    text, note = as_terraform(uses)
    return [
        Form(CLI, "CLI", as_cli(uses)),
        Form(CURL, "curl", as_curl(uses, cloud)),
        Form(PYTHON, "Python", as_python(uses, cloud)),
        Form(TERRAFORM, "Terraform", text, note),
    ]
