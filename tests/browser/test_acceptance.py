"""The tables of docs/acceptance themselves: every line has a state that is known, and a test that walks its panel."""

from collections import Counter

import pytest

from tests.browser.acceptance import FOLDER, STATE, lines
from tests.live import CLONE


@pytest.mark.parametrize("table", sorted(path.stem for path in FOLDER.glob("*.tsv")))
def test_every_line_that_works_names_a_test_that_walks_its_panel(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lines(table)
    assert [row for row in rows if not STATE.fullmatch(row["state"])] == []
    walked = [row for row in rows if row["state"] == "works" and row["panel"] != "sign-in"]
    sources = {name: (CLONE / name).read_text() for name in {row["test"] for row in walked}}
    assert {row["panel"] for row in walked if f'walk("{row["panel"]}"' not in sources[row["test"]]} == set()
    states = Counter((row["panel"], row["state"]) for row in rows)
    with capsys.disabled():
        for (panel, state), number in sorted(states.items()):
            print(f"{table}: {panel:24} {number:3} {state}")
