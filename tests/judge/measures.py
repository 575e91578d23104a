"""Every measure with its limit, in the order in which they are printed."""

from tests.judge import dead, docstrings, errors, imports, sizes, states, stories, typed, versions
from tests.judge.found import Measure

MEASURES = (
    Measure("hops: stop", 9, stories.opened("stop")),
    Measure("hops: attach a port", 9, stories.opened("attach a port")),
    Measure("hops: show a change", 9, stories.opened("show a change")),
    Measure("longest file", sizes.FILE, sizes.longest_file),
    Measure("files over 400 lines", 0, sizes.long_files),
    Measure("functions over 40 lines", 3, sizes.over_forty),
    Measure("functions over 50 lines", 0, sizes.over_fifty),
    Measure("view methods over 15 lines", 0, sizes.long_views),
    Measure("file circles", 0, imports.circles),
    Measure("files in circles", 0, imports.in_circles),
    Measure("import contracts", 5, imports.contracts, at_least=True),
    Measure("import contracts broken", 0, imports.broken, is_kept=False),
    Measure("import contracts' exceptions", 1, imports.exceptions),
    Measure("states outside states.py", 0, states.known_outside),
    Measure("version comparisons", 28, versions.compared),
    Measure("error codes shared", 0, errors.shared_codes),
    Measure("docstrings without a verb", 0, docstrings.without_verb),
    Measure("template lines over 160", 0, sizes.template_lines),
    Measure("type: ignore", 110, typed.ignored),
    Measure("lines with Any", 1000, typed.any_lines),
    Measure("packages not strict", 0, typed.exempt),
    Measure("libraries without types", 0, typed.untyped_libraries),
    Measure("dead code", 0, dead.dead),
    Measure("dead code's exceptions", dead.MOST_LINES, dead.exceptions),
)
