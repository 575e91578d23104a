"""What a session did, as a script. It is kept in the session's own row, so it is forgotten when that is signed out."""

import json
import logging
import re
from collections.abc import Callable, Mapping

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.showas import asking, registry, scripts
from portal.showas.entries import Entry, Typed
from portal.showas.kinds import Use
from portal.showas.places import Value, made, mark, swap
from portal.ui.calls import Call, name_of
from portal.ui.dialogs import Shown

logger = logging.getLogger(__name__)

KEY = "record"  # in the session: {"on": bool, "calls": [{"uses": […], "ids": {…}}], "lost": bool, "mark": str}
MOST = 500
#: Bytes of all that is kept, as JSON: user data of many launches would else fill the session.
MOST_BYTES = 256 * 1024
BASH, PYTHON = "sh", "py"
Record = dict[str, Value]


def recording(request: HttpRequest) -> Record:
    """Return what the session keeps; `on` says whether it goes on."""
    found: Record = request.session.get(KEY) or {"on": False, "calls": [], "lost": False, "mark": mark()}
    if found["mark"] != mark():  # the cloud's secret was changed meanwhile
        found = {**found, "calls": swap(found["calls"], {found["mark"]: mark()}), "mark": mark()}
    return found


def switch(request: HttpRequest, on: bool) -> None:
    """Go on, or stop. What was recorded stays until it is thrown away."""
    request.session[KEY] = {**recording(request), "on": on}


def forget(request: HttpRequest) -> None:
    request.session[KEY] = {**recording(request), "calls": [], "lost": False}


def watch(call: Call, form: forms.Form | None) -> Callable[[Value], None] | None:
    """Note what an action is about to do; return what keeps it once it is done. None where nothing is recorded."""
    match = call.request.resolver_match
    entry = registry.entries().get(match.url_name or "") if match and recording(call.request)["on"] else None
    if entry is None:
        return None
    try:
        uses = list(entry.uses(call, values_of(call, entry, form)))
    except Exception:  # what is wrong with a description must not stop what is described
        logger.exception("%s is not recorded", match.url_name if match else "")
        return None
    return lambda done: keep(call.request, uses, ids_of(entry, uses, done))


def values_of(call: Call, entry: Entry, form: forms.Form | None) -> Typed:
    """Read what was sent, without its secrets."""
    if form is not None:
        return asking.read(call, form)
    return Typed(entry.read(call.request.POST) if entry.read else {})


def ids_of(entry: Entry, uses: list[Use], done: Value) -> dict[str, str]:
    """Return label → id of what was made."""
    if entry.ids is not None:
        return dict(entry.ids(done))
    if isinstance(done, Shown):
        done = done.made
    first = next((use for use in uses if use.kind.gives and not use.kind.picks), None)
    if first is None or not hasattr(done, "pk"):
        return {}
    return {first.called: name_of(done) if first.kind.key == "name" else str(done.pk)}


def keep(request: HttpRequest, uses: list[Use], ids: Mapping[str, str]) -> None:
    """Add the calls of one action; the oldest go where there are too many."""
    found = recording(request)
    calls = [
        *found["calls"],
        {"uses": [[use.kind.name, dict(use.values), use.label] for use in uses], "ids": dict(ids)},
    ]
    lost = found["lost"]
    while calls and (count(calls) > MOST or len(json.dumps(calls)) > MOST_BYTES):
        calls, lost = calls[1:], True
    request.session[KEY] = {**found, "calls": calls, "lost": lost}


def count(calls: list[Record]) -> int:
    return sum(len(one["uses"]) for one in calls)


def replayed(calls: list[Record]) -> list[Use]:
    """Return the calls of a script: an id that one of them made stands as the place of what makes it there."""
    kinds, numbers, known, found = registry.kinds(), dict[str, int](), dict[str, str](), list[Use]()
    for one in calls:
        labels: dict[str, str] = {}
        uses = [Use(kinds[name], values, label) for name, values, label in one["uses"] if name in kinds]
        for use in (use for use in uses if use.called):
            base = re.sub(r"_\d+$", "", use.called)
            numbers[base] = numbers.get(base, 0) + 1
            labels[use.called] = f"{base}_{numbers[base]}"
        names = {made(old): made(new) for old, new in labels.items()}
        for use in uses:
            found.append(Use(use.kind, swap(_made_before(dict(use.values), known), names), labels.get(use.called, "")))
        known |= {id: made(labels[label]) for label, id in one["ids"].items() if label in labels}
    return found


def _made_before(value: Value, known: Mapping[str, str]) -> Value:
    """Return a value in which whatever is the id of something made before is its place."""
    if isinstance(value, str):
        return known.get(value, value)
    if isinstance(value, dict):
        return {key: _made_before(one, known) for key, one in value.items()}
    return [_made_before(one, known) for one in value] if isinstance(value, list | tuple) else value


def script(request: HttpRequest, form: str) -> str:
    """Write what was recorded as a script: `sh` for bash and the client, `py` for Python and the SDK."""
    found = recording(request)
    uses = replayed(found["calls"])
    about = [
        _("What was done in the portal, in order."),
        *([_("Earlier calls are not kept.")] if found["lost"] else []),
    ]
    wanted = [name.upper() for name in scripts.asked(uses)]
    if form == PYTHON:
        head = "#!/usr/bin/env python3\n" + "".join(f"# {line}\n" for line in about)
        return head + scripts.as_python(uses, registry.cloud_of(request), waits=True) + "\n"
    lines = ["#!/usr/bin/env bash", *(f"# {line}" for line in about), "set -euo pipefail"]
    lines += [f': "${{{name}:?}}"' for name in wanted]
    return "\n".join([*lines, scripts.as_cli(uses, waits=True)]) + "\n"
