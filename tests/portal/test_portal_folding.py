"""Templates are laid out for people and sent without their layout."""

import re

import pytest
from django.template import Context, Template, engines
from django.template.loader import get_template

from portal.ui.folding import fold


@pytest.mark.parametrize(
    ("source", "folded"),
    [
        ("<ul>\n    <li>a</li>\n    <li>b</li>\n</ul>\n", "<ul><li>a</li><li>b</li></ul>"),
        ("<p>\n    two\n    words {{ a }}\n</p>", "<p>two words {{ a }}</p>"),
        ("<b>a</b>&#32;\n{% if x %}\n  c\n{% endif %}", "<b>a</b> {% if x %}c{% endif %}"),
        ("<b>a</b> <i>b</i>", "<b>a</b> <i>b</i>"),
        ('<a href="x"\n   class="y">z</a>', '<a href="x" class="y">z</a>'),
        ('<a href="{{ x }}"\n   {% if y %}data-y{% endif %}\n   title="a > b\n c">z</a>',
         '<a href="{{ x }}" {% if y %}data-y{% endif %} title="a > b c">z</a>'),
        ("<p>it's</p>\n<p>'so'</p>\n", "<p>it's</p><p>'so'</p>"),
        ('<svg>\n  <use href="#a" />\n</svg>', '<svg><use href="#a"/></svg>'),
        ("<tr>\n  <td>a</td>\n  <td>b</td>\n</tr>", "<tr><td>a<td>b</tr>"),
        ("a < b\n&amp; c", "a < b &amp; c"),
    ],
)  # fmt: skip
def test_a_line_break_goes_beside_elements_and_is_a_space_between_words(source: str, folded: str) -> None:
    assert fold(source) == folded
    assert fold(folded) == folded


def test_a_text_to_translate_stays_as_it_is() -> None:
    text = "{% blocktranslate trimmed %}\n  One line\n  and <b>another</b>\n{% endblocktranslate %}"
    assert fold(f"<p>\n  {text}\n</p>\n") == f"<p>{text}</p>"


def test_the_portals_templates_are_read_folded_and_others_as_they_are() -> None:
    source = get_template("ui/base.html").template.source
    assert not re.search(r">\s*\n|\n\s*<", re.sub(r"(?s)\{% blocktrans.*?\{% endblocktrans\w* %\}", "", source))
    other = engines["django"].engine.find_template("drf_spectacular/swagger_ui.html")[0]
    assert isinstance(other, Template) and "\n" in other.source


def test_what_a_page_shows_of_values_keeps_its_line_breaks() -> None:
    """Only templates are folded: a key, a log, a form's text come as they are."""
    cell = {"kind": "pre", "value": "one\n  two"}
    page = get_template("ui/cell.html").template.render(Context({"cell": cell}))
    assert page == '<pre class="mono wrap">one\n  two</pre>'
