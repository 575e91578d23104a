"""Codes of errors, and how a stored one is told again."""

import ast
import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cloud.rooms import APPS
from common import errors
from tests.live import CLONE
from tests.syntax import parse

#: What 953748c could have stored: a code and the names of its data, one a line. Left out: what control did not load, which no step
#: could raise, so that only answers of the API and the portal had it.
OLD = [line.split() for line in Path(__file__).with_name("codes_953748c.txt").read_text().splitlines()]


@pytest.fixture(scope="module")
def kinds() -> list[type[errors.CloudError]]:
    """Every error class of the project; importing them fails where two have one code."""
    for app in APPS:
        for found in pkgutil.walk_packages(importlib.import_module(app).__path__, f"{app}."):
            if ".migrations" not in found.name:
                importlib.import_module(found.name)
    return [kind for kind in _below(errors.CloudError) if kind.__module__.split(".")[0] in APPS]


def _below(kind: type[errors.CloudError]) -> Iterator[type[errors.CloudError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def test_each_code_is_of_one_class(kinds: list[type[errors.CloudError]]) -> None:
    assert len(kinds) > 400
    assert [kind for kind in kinds if errors.BY_CODE[kind.code] is not kind] == []


def test_no_error_knows_http(kinds: list[type[errors.CloudError]]) -> None:
    """Statuses stand in openstackapi/faults.py and in the apps' own tables beside their wire."""
    assert [kind for kind in kinds if "status" in vars(kind)] == []


def test_a_second_class_of_one_code_is_refused() -> None:
    with pytest.raises(TypeError, match="NoSpace"):
        type("Full", (errors.Conflict,), {"code": "no_space", "__module__": __name__})
    with pytest.raises(TypeError, match="wire_type"):
        type("Gone", (errors.Conflict,), {"__module__": __name__})


def test_classes_that_shared_a_code_are_told_apart_by_their_data(kinds: list[type[errors.CloudError]]) -> None:
    for code, claim in errors.FORMER.items():
        names = [frozenset(errors.names_of(kind)) for kind in claim]
        assert len(set(names)) == len(names), (code, claim)


@pytest.mark.parametrize("line", OLD, ids=" ".join)
def test_what_an_older_database_holds_has_its_sentence(line: list[str], kinds: list[type[errors.CloudError]]) -> None:
    code, *names = line
    data = {name: f"<{name}>" for name in names}
    kind = errors.kind_of(code, data)
    assert kind is not None, "its class was renamed: say its old code in `formerly`"
    assert errors.names_of(kind) <= data.keys(), "old rows would be told with a question mark"
    assert errors.sentence(code, data) == errors.restored(code, data).message == errors.render(kind.template, data)


@pytest.mark.parametrize(
    ("code", "data", "want"),
    [
        ("GroupMissing", {"name": "web", "project": "p"}, "Security group web not found for project p."),
        ("GroupMissing", {"id": "g"}, "Instance group g could not be found."),
        ("Missing", {"kind": "role", "id": "r"}, "Could not find role: r."),
        ("Missing", {"reason": "Network not found"}, "Network not found"),
        ("BadRequest", {"reason": "no port"}, "Bad floatingip request: no port."),
        ("HTTPBadRequest", {"name": "port"}, "Unable to find 'port' in request body."),
        ("HTTPBadRequest", {"name": "mtu", "value": "x"}, "Invalid input for mtu: x."),
        ("TagNotFound", {"tag": "t"}, "Tag t could not be found."),
        ("TagNotFound", {"id": "i", "tag": "t"}, "Image i has no tag t."),
        ("ReadOnly", {"name": "size"}, "Attribute 'size' is read-only."),
        ("ReadOnly", {}, "LDAP does not support write operations"),
        ("TooMany", {"retry_after": 2}, "Too many requests at once. Try again in 2 seconds."),
        ("placement.concurrent_update", {}, "resource provider generation conflict"),
        ("placement.duplicate_name", {"name": "h"}, "Conflicting resource provider name: h already exists."),
    ],
)
def test_a_shared_or_renamed_code_is_told_in_the_right_sentence(
    code: str, data: dict[str, Any], want: str, kinds: list[type[errors.CloudError]]
) -> None:
    assert errors.sentence(code, data) == want


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert errors.sentence("FromTheFuture", {"id": "x"}) == "FromTheFuture: {'id': 'x'}"
    assert isinstance(errors.restored("FromTheFuture", {"id": "x"}), errors.CloudError)


def test_what_errors_say_is_translated(kinds: list[type[errors.CloudError]]) -> None:
    """No template, and no fragment that is given to an error, is English alone. (Words without a space are names.)"""
    assert [kind for kind in kinds if not isinstance(kind.template, Promise)] == []
    names = {kind.__name__ for kind in kinds}
    calls = (
        (path, node)
        for app in APPS
        for path in (CLONE / app).rglob("*.py")
        for node in ast.walk(parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names
    )
    found = [f"{path}:{node.lineno}" for path, node in calls if any(_is_prose(word.value) for word in node.keywords)]
    assert found == [], "say it as _(...) with named data"


def _is_prose(value: ast.expr) -> bool:
    match value:
        case ast.Constant(str(text)):
            return " " in text.strip()
        case ast.JoinedStr(parts):
            return any(_is_prose(part) for part in parts)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            return _is_prose(one) or _is_prose(other)
    return False


def test_a_reason_is_stored_as_it_is_and_told_in_the_readers_language() -> None:
    """Its own data fills it; another error may be the reason, and tells itself."""
    reason = _("The volume %(volume)s is of another project.")  # no catalog has it
    inner = errors.Invalid(reason=_("Each network needs a uuid or a port."))
    for error, english, chinese in (
        (errors.Invalid(reason=reason, volume="v%(reason)s"), "The volume v%(reason)s is of another project.", None),
        (inner, "Each network needs a uuid or a port.", "每个网络需要 uuid 或端口。"),
        (errors.Conflict(reason=inner), "Each network needs a uuid or a port.", "每个网络需要 uuid 或端口。"),
    ):
        with translation.override("zh-hans"):  # whoever stores it
            kept = json.loads(json.dumps(errors.stored(error.data)))
        assert errors.stored(errors.restored(error.code, kept).data) == kept
        for language, want in (("en", english), ("zh-hans", chinese or english)):
            with translation.override(language):
                assert error.message == errors.sentence(error.code, kept) == want


def test_a_stored_text_is_no_format_of_pythons() -> None:
    """What fills it fills names alone, and texts that name each other come to an end."""
    strange = {"detail": {"@text": "%(detail)s %(host)999999999d %(host)s%%"}, "host": "h1"}
    said = errors.sentence("hypervisor_refused", strange)
    assert said.endswith("%(host)999999999d h1%") and len(said) < 400


def test_what_a_user_sent_is_no_text_of_ours() -> None:
    """A mapping in a body that looks like a stored text is told, and stored, as the words it is."""
    error = errors.Invalid(reason=_("Each network needs a uuid or a port."), route={"@text": "%(reason)s"})
    kept = errors.stored(error.data)
    assert kept["route"] == "{'@text': '%(reason)s'}"
    assert errors.Invalid(reason={"@text": "%(reason)s"}).message == "{'@text': '%(reason)s'}"


def test_a_host_reports_no_texts_of_ours() -> None:
    """Its values are told as they are: one that looks like a text of ours would be filled as often as it likes."""
    error = errors.from_report("h1", "hypervisor_refused", {"detail": {"@text": "%(big)s" * 3}, "big": "x" * 9})
    assert error.message == "The hypervisor of host h1 refused this: {'@text': '%(big)s%(big)s%(big)s'}"
    assert errors.reported({"need": 5, "what": None, "of": ["a"]}) == {"need": 5, "what": None, "of": "['a']"}


def test_a_name_without_data_is_a_question_mark() -> None:
    assert errors.sentence("no_space", {"host": "h1"}) == "The disk of host h1 is full: ? bytes are needed, ? are free."
