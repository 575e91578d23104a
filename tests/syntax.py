"""Python's syntax trees, for tests that read the code."""

import ast
import gc


def parse(text: str) -> ast.Module:
    """Parse a file's text.

    Without the garbage collector: what it ends meanwhile upsets the parser's count of its own depth (SystemError "AST
    constructor recursion depth mismatch"; CPython gh-106905, mended in 3.11.5, Debian 12 has 3.11.2).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if was:
            gc.enable()
