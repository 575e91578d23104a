"""Patterns that people write are matched in linear time, and only `common.patterns` may compile one."""

import ast
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from cloud.rooms import APPS
from common import patterns
from common.errors import Invalid
from tests.check import CLONE
from tests.syntax import parse

ENGINES = frozenset({"re", "regex", "fnmatch", "re2", "glob"})
#: Python of the product; its tests and measurements run on no user's text.
ROOMS = ("cloud", "hostagent", *APPS)
EVIL = ("(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){12}$", "([a-z]+)*!$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y")


@cache
def _files() -> list[tuple[str, ast.Module]]:
    paths = [path for room in ROOMS for path in sorted((CLONE / room).rglob("*.py"))]
    return [(str(path.relative_to(CLONE)), parse(path.read_text())) for path in paths]


def _literal(node: ast.expr, tree: ast.Module) -> str | None:
    """The text of a literal; also of one that is put together from others of its module. None: it is none."""
    if isinstance(node, ast.Constant):
        return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_literal(node.left, tree), _literal(node.right, tree)]
    elif isinstance(node, ast.JoinedStr):
        parts = [_literal(part, tree) for part in node.values]
    elif isinstance(node, ast.FormattedValue):
        parts = [_literal(node.value, tree)]
    elif isinstance(node, ast.Name):
        values = [
            one.value
            for one in ast.walk(tree)
            if isinstance(one, (ast.Assign, ast.AnnAssign))
            and any(
                isinstance(target, ast.Name) and target.id == node.id
                for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
            )
        ]
        value = values[0] if len(values) == 1 and node.id.isupper() else None
        parts = [None if value is None else _literal(value, tree)]
    else:
        return None
    return None if None in parts else "".join(part for part in parts if part is not None)


def _engine_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls of a module that matches patterns, under whatever name it or its functions were imported."""
    modules, functions = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name in ENGINES}
        elif isinstance(node, ast.ImportFrom) and node.module in ENGINES:
            functions |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if (
            isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in modules
        ) or (isinstance(called, ast.Name) and called.id in functions):
            yield node


def test_no_module_but_one_compiles_what_is_not_a_literal() -> None:
    """B2: user text cannot become a pattern of a backtracking engine, wherever the code is that would do it."""
    wrong = []
    for name, tree in _files():
        if name == "common/patterns.py":
            continue
        for call in _engine_calls(tree):
            if not call.args or _literal(call.args[0], tree) is None:
                wrong.append(f"{name}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert not wrong, wrong


def test_the_reading_of_calls_finds_what_it_should() -> None:
    tree = ast.parse("import re as r\nfrom fnmatch import fnmatch as f\nr.search(x, 'a')\nf(a, b)\nr.compile('a' 'b')")
    calls = list(_engine_calls(tree))
    assert [call.lineno for call in calls] == [3, 4, 5]
    assert [_literal(call.args[0], tree) for call in calls] == [None, None, "ab"]
    whole = ast.parse("import re\nA = 'x|y'\nre.compile(f'({A})' + '+')\nre.compile(f'{a}')")
    assert [_literal(call.args[0], whole) for call in _engine_calls(whole)] == ["(x|y)+", None]


def test_no_query_hands_a_pattern_to_the_database() -> None:
    """B2: Django's SQLite runs `__regex` with Python's engine under the GIL; PostgreSQL has another syntax."""
    wrong = []
    for name, tree in _files():
        for node in ast.walk(tree):
            text = node.arg if isinstance(node, ast.keyword) else node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and text.endswith(("__regex", "__iregex")):
                wrong.append(f"{name}:{node.lineno}: {text}")  # type: ignore[attr-defined]
    assert not wrong, wrong


def test_json_schemas_are_compiled_where_they_are_the_codes_own() -> None:
    """B2: fastjsonschema runs `pattern` and `patternProperties` with Python's engine, so no stored schema gets there."""
    at = set()
    for name, tree in _files():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "fastjsonschema.compile":
                at.add(name)
    assert at == {"openstackapi/bodies.py", "identity/federation/rule_schema.py"}


# ── Literals, which run on user text ────────────────────────────────────────────────────────────────────────────────


def _flat(parsed: Any) -> list[Any]:
    """The parts of a sequence, those of its groups among them."""
    return [
        one
        for part in parsed
        for one in (_flat(part[1][-1]) if part[0] is _constants.SUBPATTERN and len(parsed) == 1 else [part])
    ]


def _nested(parsed: Any, inside: bool = False) -> bool:
    """Whether an unbounded repetition stands inside another, with nothing fixed around it: (a+)+."""
    for kind, value in parsed:
        if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            _least, most, body = value
            unbounded = most == _constants.MAXREPEAT
            if unbounded and inside:
                return True
            parts = _flat(body)
            fixed = len(parts) > 1 and any(k in (_constants.LITERAL, _constants.IN) for k, _ in parts)
            if _nested(body, inside or (unbounded and not fixed)):
                return True
        elif (kind is _constants.SUBPATTERN and _nested(value[-1], inside)) or (
            kind is _constants.BRANCH and any(_nested(branch, inside) for branch in value[1])
        ):
            return True
    return False


def _schema_patterns() -> set[str]:
    """Every `pattern`, `patternProperties` and text of a format in the code's own schemas."""
    found: set[str] = set()
    for _name, tree in _files():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "pattern" and isinstance(value, ast.Constant):
                    found.add(str(value.value))
                if isinstance(key, ast.Constant) and key.value == "patternProperties" and isinstance(value, ast.Dict):
                    found |= {k.value for k in value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    return found


def test_the_codes_own_patterns_nest_no_repetition() -> None:
    """B2: a literal is a pattern too, and users write the text that it runs on."""
    texts = _schema_patterns()
    for _name, tree in _files():
        for call in _engine_calls(tree):
            if call.args and (text := _literal(call.args[0], tree)) is not None:
                texts.add(text)
    assert len(texts) > 40 and _nested(_parser.parse("(a+)+$")) and not _nested(_parser.parse("(,[a-z]+)*"))
    assert not [text for text in texts if _nested(_parser.parse(text))]


# ── What people write ───────────────────────────────────────────────────────────────────────────────────────────────


def _cpu(work: Any) -> float:
    best = 1e9
    for _ in range(3):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best


@pytest.mark.parametrize("text", EVIL)
def test_a_pattern_that_backtracks_elsewhere_costs_what_its_text_is_long(text: str) -> None:
    """B2: (a+)+$ against 25 letters took Python's engine a second, and twice as long with each letter more."""
    pattern = patterns.regex(text)
    short, long = (_cpu(lambda size=size: [pattern.search("a" * size + "!") for _ in range(50)]) for size in (120, 240))
    assert long < 8 * short + 0.05, (text, short, long)


def test_globs_of_access_rules_are_linear() -> None:
    """B2: eight times `**` against 60 letters took 22 s a request."""
    pattern = patterns.glob("/v2.1/" + "**x" * 40 + "!")
    short, long = (
        _cpu(lambda size=size: [pattern.fullmatch("/v2.1/" + "x" * size) for _ in range(20)]) for size in (500, 1000)
    )
    assert long < 8 * short + 0.05, (short, long)


@pytest.mark.parametrize(
    ("text", "path", "fits"),
    [
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers/*", "/v2.1/servers/a", True),
        ("/v2.1/servers/*", "/v2.1/servers/a/b", False),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/a/action", True),
        ("/v2.1/**", "/v2.1/a/b/c\nd", True),
        ("/v2.1/a.b", "/v2.1/axb", False),
        ("/v2.1/(a+)+$", "/v2.1/aaa", False),
        ("/{", "/{", True),
    ],
)
def test_globs_say_what_keystones_say(text: str, path: str, fits: bool) -> None:
    assert patterns.glob(text).fullmatch(path) is fits


@pytest.mark.parametrize("text", ["(a)\\1", "a(?=b)", "(?<!a)b", "[[:<:]]a", "(", "a**", "x{1001}", "a" * 256, "(?=a"])
def test_what_re2_does_not_know_is_refused_with_a_sentence(text: str) -> None:
    """B2: what MySQL's REGEXP (ICU) takes and RE2 does not: look-around, back-references, [[:<:]]."""
    with pytest.raises(Invalid, match=r"is not a regular expression that runs here: .*RE2's syntax"):
        patterns.regex(text)


def test_posix_classes_and_what_nova_documents_are_taken() -> None:
    assert patterns.regex("^web-[[:digit:]]+$").search("web-12")
    assert patterns.regex("10\\.0\\.0\\.(1|2)$").search("10.0.0.2")
    assert patterns.regex("数据").search("数据库") and not patterns.regex("a").among([(1, None), (2, "b")])


@pytest.mark.parametrize(
    "text", ["^(?=.*\\d)(?=.*[a-zA-Z]).{7,}$", "(?=.*[)(])(?!.*x).+", "(?=[]a])(?=\\(|a).*", "^(?!root)[a-z]+$"]
)
@given(word=st.text("abxroot019)(] ]Z", max_size=12))
def test_look_aheads_at_the_beginning_mean_what_they_mean_in_python(text: str, word: str) -> None:
    """B2 sibling: Keystone's own example of a password rule has look-aheads, which RE2 has not."""
    assert patterns.rule(text).match(word) is (re.match(text, word) is not None)


def test_scanning_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """B2: many texts cost at most so much CPU, then a sentence."""
    monkeypatch.setattr(patterns, "SCAN_SECONDS", 0.0)
    with pytest.raises(patterns.TooSlow, match="narrow the list"):
        patterns.regex("a+$").among((n, "a" * 200 + "!") for n in range(10_000))


def test_the_setting_of_passwords_runs_here() -> None:
    assert patterns.rule(settings.PASSWORD_REGEX).match("anything")
    assert Path(patterns.__file__).name == "patterns.py"


# ── Through the services ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mapping_of_a_provider_is_bounded_and_refused_with_its_reason() -> None:
    """B2 sibling: an operator's mapping rules run on what a provider's user says of themself."""
    from identity.federation import rule_schema, rules

    bad = [{"remote": [{"type": "a", "any_one_of": ["(a)\\1"], "regex": True}], "local": []}]
    with pytest.raises(rule_schema.BadRules, match="RE2"):
        rule_schema.check(bad, "1.0")
    with pytest.raises(rules.NotMapped, match="RE2"):  # stored by a version that took it
        rules.evaluate("m", bad, "1.0", {"a": ["aa"]})
    evil = [{"remote": [{"type": "a", "any_one_of": ["(a+)+$"], "regex": True}], "local": [{"user": {"name": "x"}}]}]
    with pytest.raises(rules.NotMapped, match="no rule fits"):
        rules.evaluate("m", evil, "1.0", {"a": ["a" * 5000 + "!"]})


def test_lines_of_a_form_are_read_without_a_pattern() -> None:
    """B2 sibling: the name of a form's field becomes no pattern."""
    from django.http import QueryDict

    from portal.ui.widgets import LinesWidget

    widget = LinesWidget()
    widget.parts = {"key": False}
    data = QueryDict("a.b-2-key=two&a.b-1-key=one&a.b-x-key=no&aXb-3-key=no")
    assert widget.value_from_datadict(data, None, "a.b") == [{"key": "one"}, {"key": "two"}]
