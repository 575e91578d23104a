"""Each measure finds what it says, and leaves alone what only looks like it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.judge import dead, docstrings, errors, imports, sizes, states, typed, versions
from tests.judge.found import Found, Measure
from tests.judge.kept import differences, most
from tests.judge.measures import MEASURES
from tests.judge.tree import Tree

Make = Callable[[dict[str, str]], Tree]


@pytest.fixture
def house(tmp_path: Path) -> Make:
    """Makes a tree of these files."""

    def make(files: dict[str, str]) -> Tree:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return Tree(tmp_path, list(files))

    return make


def _function(name: str, lines: int, indent: str = "") -> str:
    return "".join([f"{indent}def {name}():\n", *[f"{indent}    x = 1\n"] * (lines - 1)])


def test_lengths_are_of_production_alone(house: Make) -> None:
    files = {
        "a/b.py": _function("f", 41) + _function("g", 40),
        "tests/c.py": "x\n" * 900,
        "a/migrations/0001.py": "x\n" * 900,
    }
    tree = house({**files, "a/long.py": "x = 1\n" * 401})
    assert sizes.over_forty(tree) == Found(1, ["a/b.py:1 f 41"])
    assert sizes.over_fifty(tree).value == 0
    assert sizes.longest_file(tree) == Found(401, ["a/long.py 401"])
    assert sizes.long_files(tree).value == 1


def test_a_view_is_what_descends_from_one_and_its_verbs_count(house: Make) -> None:
    base = "class Page(View):\n" + _function("get", 16, "    ") + _function("show", 30, "    ")
    other = (
        "class Detail(pages.Page):\n" + _function("post", 17, "    ") + "class Plain:\n" + _function("get", 30, "    ")
    )
    found = sizes.long_views(house({"portal/pages.py": base, "portal/detail.py": other}))
    assert found.places == ["portal/detail.py:2 Detail.post 17", "portal/pages.py:2 Page.get 16"]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("The host.", True),
        ("Who may.", True),
        ("Of a server its host.", True),
        ("What it does, at once.", True),
        ("Find the host.", False),
        ("Whether it runs.", False),
        ("Raises: NotFound.", False),
    ],
)
def test_a_public_docstring_begins_with_a_verb(house: Make, text: str, is_found: bool) -> None:
    def said(head: str, indent: str = "") -> str:
        return f'{indent}{head}:\n{indent}    """{text}"""\n'

    tree = house(
        {
            "a/b.py": said("def f()")
            + "class C:\n"
            + said("async def g(self)", "    ")
            + "    @property\n"
            + said("def h(self)", "    ")
            + said("def _i()")
            + "class _D:\n"
            + said("def j(self)", "    "),
            "tests/c.py": said("def k()"),
        }
    )
    found = docstrings.without_verb(tree)
    assert found == (Found(2, [f"a/b.py:1 f: {text}", f"a/b.py:4 g: {text}"]) if is_found else Found(0, []))


def test_templates_are_read_line_by_line(house: Make) -> None:
    tree = house({"portal/templates/a.html": f"{'x' * 160}\n{'x' * 161}\n{'x' * 300}\n", "portal/b.html": "x" * 999})
    assert sizes.template_lines(tree) == Found(2, ["portal/templates/a.html 2 lines, longest 300"])


def test_circles_go_through_functions_packages_and_dots(house: Make) -> None:
    files = {
        "a/__init__.py": "",
        "a/one.py": "def f():\n    from a import two\n",
        "a/two.py": "from .three import x\n",
        "a/three.py": "import a.one\n",
        "a/aside.py": "from a import one\n",
        "b.py": "from a.one import f\n",
    }
    tree = house(files)
    assert imports.circles(tree).value == 1 and imports.in_circles(tree).value == 3
    assert (
        imports.circles(tree).places[0].startswith("3 files (a/one.py, a/three.py, a/two.py), shortest a/one.py:2 → ")
    )


def test_two_circles_that_share_no_file_are_two(house: Make) -> None:
    tree = house({"a.py": "import b\n", "b.py": "import a, c\n", "c.py": "import d\n", "d.py": "import c\n"})
    assert imports.rings(imports.graph(tree)) == [["a.py", "b.py"], ["c.py", "d.py"]]


LINTER = """[tool.importlinter]
[[tool.importlinter.contracts]]
name = "one"
[[tool.importlinter.contracts]]
name = "two"
ignore_imports = ["a -> b", "a -> c"]
"""


def test_contracts_and_their_exceptions_are_counted(house: Make) -> None:
    tree = house({"pyproject.toml": LINTER})
    assert imports.contracts(tree) == Found(2, ["one", "two"])
    assert imports.exceptions(tree).places == ["a -> b", "a -> c"]


STATES = {
    "a/states.py": 'ACTIVE = "active"\n',
    "a/words.py": 'DOWN = "down"\nGONE = frozenset({"gone", "lost"})\nCODES = (404, 410)\n',
}
TOLD = [
    'row.status == "ACTIVE"',
    'status in ("up", "down")',
    'row["vm_state"] != states.ACTIVE',
    'row.get("state") is ACTIVE',
    'row.status.lower() == "ok"',
    "op.data['rest'] == states.ACTIVE",
    "row.state == DOWN",
    "row.state in words.GONE",
    "row.status in VERBS.x.start or row.state in states.VERBS['stop'].start",
    'row.status = "DOWN"',
    'status: str = "new"',
    'status = models.CharField(default="queued")',
    'row.update(status="up" if x else y)',
    'rows.filter(state__in=("a", "b"))',
    'row.save_changes({"status": "DOWN"})',
    "row.update(task_state=DOWN)",
]
INNOCENT = [
    "answer.status == 200",
    "answer.status in words.CODES",
    'row.name == "ACTIVE"',
    "row.state == other",
    "rows.filter(status=states.ACTIVE)",
    "row.finalize(states.ACTIVE)",
    'columns = {"status": "status"}',
    "seconds > states.LIMIT",
    "not row.task_state",
]


@pytest.mark.parametrize("line", TOLD)
def test_knowledge_of_states_is_found(house: Make, line: str) -> None:
    head = "from a import states, words\nfrom a.states import ACTIVE\nfrom a.words import DOWN\n"
    found = states.known_outside(house({**STATES, "a/b.py": f"{head}{line}\n", "b/states.py": f"{line}\n"}))
    assert found.value == 1 and found.places[0].startswith("a/b.py:4 ")


@pytest.mark.parametrize("line", INNOCENT)
def test_what_is_no_state_is_left_alone(house: Make, line: str) -> None:
    assert not states.known_outside(house({**STATES, "a/b.py": f"from a import states, words\n{line}\n"})).places


def test_versions_that_are_written_down_are_counted_one_by_one(house: Make) -> None:
    code = "if self.version >= (2, 57) or version < SINCE: pass\nx = a if (2, 1) <= body_version < (2, 9) else b\n"
    innocent = "version <= until\nnetwork.version == 4\nfield.since <= version\nversion in VERSIONS\n"
    spans = "PAGED = Span(since=(2, 35))\nif self.version not in PAGED or version in a.PAGED: pass\n"
    tree = house({"a/api.py": code + innocent, "a/b.py": spans, "openstackapi/fields.py": code})
    assert versions.compared(tree).value == 6


def test_a_code_is_shared_by_name_or_by_saying_so(house: Make) -> None:
    root = "class CloudError(Exception):\n    code: str = ''\nclass NotFound(CloudError): pass\nclass Gone(errors.NotFound):\n    code = 'gone'\n"
    other = "class Lost(NotFound):\n    code = 'gone'\nclass NotFound(ValueError): pass\n"
    found = errors.shared_codes(house({"common/errors.py": root, "a/b.py": other}))
    assert found.places == ["gone ×2 (common/errors.py:4 Gone, a/b.py:1 Lost)"]


def test_lines_that_are_not_typed_are_counted(house: Make) -> None:
    tree = house(
        {"a/b.py": "x: Any = f(Any)  # type: ignore[arg-type]\nAnything = 1\ny: Any\n", "a/c.py": "import Any\n"}
    )
    assert typed.any_lines(tree) == Found(3, ["a/b.py 2", "a/c.py 1"])
    assert typed.ignored(tree).value == 1


def _exempt(house: Make, config: str) -> list[str]:
    files = {"one/a.py": "", "two/a.py": "", "two/b.py": "", "pyproject.toml": f"[tool.mypy]\n{config}"}
    return [place.partition(" ")[0] for place in typed.exempt(house(files)).places]


def test_a_package_is_strict_as_a_whole_or_exempt(house: Make) -> None:
    everything = 'files = ["one", "two"]\n'
    assert _exempt(house, everything) == ["one", "two"]
    assert _exempt(house, f"{everything}strict = true\n") == []
    assert _exempt(house, 'files = ["one", "two/a.py"]\nstrict = true\n') == ["two"]
    every = 'files = ["."]\nstrict = true\n'
    assert _exempt(house, every) == []
    assert _exempt(house, every + 'exclude = ["^two/(?!a)"]\n') == ["two"]
    assert _exempt(house, f"{everything}strict = true\nwarn_return_any = false\n") == ["one", "two"]
    override = '[[tool.mypy.overrides]]\nmodule = "{}"\n{}\n'
    for loose in ("ignore_errors = true", "disallow_untyped_defs = false"):
        assert _exempt(house, f"{everything}strict = true\n" + override.format("one.a.*", loose)) == ["one"]
    strict = "\n".join(f"{name} = {str(value).lower()}" for name, value in typed.STRICT.items())
    assert _exempt(house, everything + override.format("one.*", strict)) == ["two"]


def test_libraries_without_types_are_named_or_counted(house: Make) -> None:
    code = "import os, nowhere, libvirt\nfrom celery import Celery\nfrom a import b\nimport pytest\n"
    config = '[tool.mypy]\n[[tool.mypy.overrides]]\nmodule = ["celery.*"]\nignore_missing_imports = true\n'
    found = typed.untyped_libraries(house({"a/b.py": code, "pyproject.toml": config}))
    assert [place.partition(" ")[0] for place in found.places] == ["libvirt", "nowhere"]


def test_what_only_tests_name_is_dead(house: Make) -> None:
    code = "def used(): pass\ndef shown(): pass\ndef dotted(): pass\ndef tested(): pass\nclass Lost:\n    def m(self): pass\nused()\n"
    files = {
        "a/b.py": code + 'PATH = "a.b.dotted"\n',
        "tests/t.py": "tested()\n",
        "a/templates/x.html": "{{ a.shown }}",
    }
    names = {place.rpartition(" ")[2] for place in dead.dead(house(files)).places if place.startswith("a/b.py")}
    assert names == {"tested", "Lost", "m"}


def test_every_exception_says_why() -> None:
    lines = dead.alive()
    assert len(lines) <= dead.MOST_LINES and all(line.names and len(line.reason) > 10 for line in lines)


def test_a_measure_is_worse_on_the_side_of_its_limit() -> None:
    most_, least = Measure("a", 3, lambda tree: Found(0)), Measure("b", 3, lambda tree: Found(0), at_least=True)
    assert (most_.is_worse(4, 3), most_.is_worse(3, 3), most_.is_met(4)) == (True, False, False)
    assert (least.is_worse(2, 3), least.is_worse(3, 3), least.is_met(4)) == (True, False, True)


def test_each_measure_that_is_kept_has_its_number() -> None:
    assert list(most()) == [measure.name for measure in MEASURES if measure.is_kept]


@pytest.mark.process
def test_what_is_worse_than_it_was_is_said_with_its_places(monkeypatch: pytest.MonkeyPatch, house: Make) -> None:
    found = (Measure("a", 0, lambda tree: Found(3, ["x.py:1"])), Measure("b", 0, lambda tree: Found(1)))
    monkeypatch.setattr("tests.judge.kept.MEASURES", found)
    monkeypatch.setattr("tests.judge.kept.most", lambda: {"a": 2, "b": 2})
    assert differences(house({})) == (["a: 3, was 2: x.py:1"], ["b: 1, was 2"])
