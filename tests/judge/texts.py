"""Hops that are no Python: an element of a template, a function of a script."""

import re

from tests.judge.stories import Hop

_WORD = re.compile(r"[A-Za-z_][\w-]*")
_DATASET = re.compile(r"\bdataset\.(\w+)")
#: The opening tag of an element, with what Django's own tags say inside of it.
_TAG = r"<{name}\b(?:\{{%.*?%\}}|\{{\{{.*?\}}\}}|[^>])*>"


def is_text(path: str) -> bool:
    """Whether a file's hops are found by its text, without a syntax tree."""
    return path.endswith((".html", ".js"))


def place(text: str, hop: Hop) -> str | None:
    """Find a hop's own text: of a script the function, of a template the first such opening tag. None: there is no such.

    A row is one of them that has the row's key among its words.
    """
    name = re.escape(hop.path[-1])
    if hop.file.endswith(".js"):
        found = re.findall(rf"^(?:export )?(?:async )?function {name}\(.*?^\}}", text, re.DOTALL | re.MULTILINE)
    else:
        found = re.findall(_TAG.format(name=name), text, re.DOTALL)
    return next((one for one in found if not hop.key or hop.key in words(one)), None)


def words(text: str) -> set[str]:
    """List the words of a text; `dataset.rowsUrl` also as the attribute that it reads, `data-rows-url`."""
    attributes = {"data-" + re.sub("[A-Z]", lambda one: f"-{one[0].lower()}", name) for name in _DATASET.findall(text)}
    return {*_WORD.findall(text), *attributes}
