"""Static files as they are sent: the portal's own scripts and style sheets without what only their readers need."""

import re

from cloud.staticfiles import lean
from tests.live import CLONE


def test_comments_go_and_code_stays() -> None:
    script = "// why\nconst at = 1; // one\n  if (at) {\n    // more\n    go(`a // b`);\n  }\n"
    assert lean("js/a.js", script) == "const at = 1; // one\nif (at) {\ngo(`a // b`);\n}\n"
    assert (
        lean("css/a.css", "/* a\n b */ .a { color: red; }\n  .b { top: 0; } /* c */\n")
        == " .a { color: red; }\n.b { top: 0; } \n"
    )


def test_no_text_of_a_script_begins_a_line_like_a_comment() -> None:
    """Each line that goes stands outside of texts: the backquotes before it are closed."""
    for path in (CLONE / "static" / "js").glob("*.js"):
        text = path.read_text()
        for found in re.finditer(r"(?m)^[ \t]*//", text):
            assert re.sub(r"(?m)^[ \t]*//.*$", "", text[: found.start()]).count("`") % 2 == 0, (
                f"{path.name} at {found.start()}"
            )
