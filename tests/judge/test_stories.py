"""docs/stories.tsv says the way that the code goes, and a row that it does not go is found."""

from pathlib import Path

import pytest

from tests.judge.hops import Code
from tests.judge.stories import Hop, Wrong, opened, read
from tests.judge.tree import CLONE, Tree

STORIES = read(CLONE)
#: A house of four files: a click, a service that asks a table, an agent that takes what is asked.
HOUSE = {
    "portal/urls.py": 'from portal import views\nurlpatterns = [path("do", views.Do.as_view(), name="do"), path("x", views.Other)]\n',
    "portal/views.py": "from shop import services\nPOST = {'stop': services.stop}\nclass Do:\n    def post(self, verb):\n        POST[verb]()\n",
    "shop/services.py": "from wire import send\ndef stop():\n    send('server.stop')\ndef start():\n    pass\n",
    "wire/__init__.py": "def send(verb):\n    TABLE[verb]\nTABLE = {'server.stop': None}\n",
    "agent/worker.py": "@task(name='server.stop')\ndef halt(host):\n    getattr(host, f'_{verb}')()\nclass Host:\n    def _stop(self):\n        pass\n",
}
WAY = [
    ("portal/urls.py", 'urlpatterns["do"]'),
    ("portal/views.py", "Do"),
    ("portal/views.py", 'POST["stop"]'),
    ("shop/services.py", "stop"),
    ("wire/__init__.py", "send"),
    ("shop/services.py", "stop"),
    ("agent/worker.py", 'halt["server.stop"]'),
    ("agent/worker.py", "Host._stop"),
]


@pytest.fixture(scope="module")
def code() -> Code:
    return Code(Tree(CLONE))


@pytest.fixture
def house(tmp_path: Path) -> Code:
    for name, text in HOUSE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return Code(Tree(tmp_path, list(HOUSE)))


def way(*changed: tuple[int, tuple[str, str] | None]) -> list[Hop]:
    """The hops of the house, some of them others, or left out."""
    rows: dict[int, tuple[str, str] | None] = {**dict(enumerate(WAY)), **dict(changed)}
    return [Hop("stop", number, *row) for number, row in enumerate((row for row in rows.values() if row), 1)]


@pytest.mark.process
@pytest.mark.parametrize("story", STORIES)
def test_the_code_goes_the_way_of_each_story(story: str, code: Code) -> None:
    assert not code.gaps(STORIES[story])


def test_a_story_whose_hops_name_each_other_has_no_gap(house: Code) -> None:
    assert house.gaps(way()) == []


@pytest.mark.parametrize(
    ("changed", "gap"),
    [
        ((1, None), "does not name"),  # a row of a table names its own value, not what stands in another file
        ((3, ("shop/services.py", "start")), "does not name"),  # there, but not what is called
        ((3, ("agent/worker.py", "stop")), "no stop"),
        ((3, ("shop/nothing.py", "stop")), "no such file"),
        ((0, ("portal/urls.py", 'urlpatterns["x"]')), "does not name"),  # another row of the same table
        ((2, ("portal/views.py", 'POST["start"]')), "no such row"),
        ((4, ("portal/views.py", "Do.post")), "does not name"),  # the name is imported from elsewhere
        ((6, None), "does not name"),  # f"_{verb}" stands in the row that was left out
    ],
)
def test_a_gap_is_found(house: Code, changed: tuple[int, tuple[str, str] | None], gap: str) -> None:
    assert gap in " ".join(house.gaps(way(changed)))


def test_a_key_that_nothing_gave_leads_nowhere(house: Code) -> None:
    hops = [Hop("halt", hop.number, hop.file, hop.symbol) for hop in way((0, ("portal/urls.py", "urlpatterns")))]
    assert any('POST["stop"]' in gap for gap in house.gaps(hops[:3]))


PAGE = {
    "portal/templates/a.html": '<a {% if x > y %}href="1"{% endif %} href="{% url \'do\' x.id %}">Do</a><table data-rows-url="?rows="></table>',
    "portal/urls.py": 'URLS = [path("do", run, name="do"), path("rows", rows)]\ndef rows(request):\n    return render("a.html")\n',
    "static/js/live.js": "export function start(table) {\n  load(table);\n}\nfunction load(table) {\n  get(table.dataset.rowsUrl);\n}\n",
}
BUTTON = ("portal/templates/a.html", 'a["do"]')
TABLE = ("portal/templates/a.html", 'table["data-rows-url"]')
LOAD = ("static/js/live.js", "load")


@pytest.mark.parametrize(
    ("hops", "gap"),
    [
        ([BUTTON, ("portal/urls.py", 'URLS["do"]')], ""),
        ([("static/js/live.js", "start"), LOAD, TABLE], ""),
        ([LOAD, TABLE], ""),
        ([("portal/urls.py", "rows"), TABLE], ""),  # it names the template's file
        ([("portal/urls.py", 'URLS["do"]'), TABLE], "does not name"),
        ([LOAD, BUTTON], "does not name"),
        ([LOAD, ("static/js/live.js", "start")], "does not name"),
        ([("portal/templates/a.html", 'table["do"]')], "there is no"),  # that word is another element's
        ([("static/js/live.js", "stop")], "there is no"),
        ([("static/js/other.js", "start")], "no such file"),
    ],
)
def test_pages_and_scripts_are_hops_too(tmp_path: Path, hops: list[tuple[str, str]], gap: str) -> None:
    for name, text in PAGE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = Code(Tree(tmp_path, list(PAGE))).gaps([Hop("do", number, *hop) for number, hop in enumerate(hops)])
    assert gap in " ".join(found) if gap else not found


def test_the_button_opens_no_file_and_only_it_is_hop_0(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    table = tmp_path / "docs" / "stories.tsv"
    rows = "story\tnumber\tfile\tsymbol\nstop\t0\ta.html\tbutton\nstop\t1\ta.py\tf\n"
    table.write_text(rows)
    assert opened("stop")(Tree(tmp_path, [])).places == ["a.py"]
    table.write_text(f"{rows}stop\t0\tb.html\ta\n")
    with pytest.raises(Wrong, match="its number should be 2"):
        read(tmp_path)


def test_the_rows_of_a_story_are_numbered_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "stories.tsv").write_text("story\tnumber\tfile\tsymbol\nstop\t1\ta.py\tf\nstop\t3\tb.py\tg\n")
    with pytest.raises(Wrong, match="its number should be 2"):
        read(tmp_path)
    with pytest.raises(Wrong, match="no symbol"):
        Hop("stop", 1, "a.py", "f()")


def test_a_file_counts_once_and_operations_as_one() -> None:
    found = opened("stop")(Tree(CLONE, []))
    assert len(set(found.places)) == found.value and sum(place.startswith("operations/") for place in found.places) == 1
