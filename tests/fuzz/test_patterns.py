"""User texts that reach the engine of patterns: each compiles or is refused, and none takes long."""

import time

import pytest

from common import patterns
from tests.fuzz.texts import SEEDS, texts

PARTS = (
    "(a+)+",
    "(a|a)*",
    "[a-",
    "[^]]",
    "{1,1000}",
    "{0,9}",
    "\\1",
    "(?=",
    "(?!",
    "(?i)",
    "(?P<x>",
    ".*",
    "$",
    "^",
    "|",
    "**",
    "\\Q",
    "\\pL",
)
TEXT = "a" * 200 + "!"


def check_patterns(seed: int, count: int) -> int:
    """Returns how many compiled."""
    passed, slowest = 0, (0.0, "")
    for number, text in enumerate(texts(seed, count)):
        pattern = text + PARTS[number % len(PARTS)] + PARTS[number * 7 % len(PARTS)] * (number % 3)
        began = time.thread_time()
        patterns.glob(pattern[:128]).fullmatch("/v2.1/" + TEXT)
        try:
            patterns.regex(pattern).search(TEXT)
            patterns.rule(pattern).match(TEXT)
            passed += 1
        except patterns.BadPattern:
            pass
        slowest = max(slowest, (time.thread_time() - began, pattern))
    assert slowest[0] < 2.0, slowest  # a backtracking engine needs centuries for (a+)+$
    return passed


def test_some_patterns() -> None:
    """B2."""
    assert check_patterns(SEEDS[0], 1500) > 300


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_patterns(seed: int) -> None:
    """B2."""
    assert check_patterns(seed, 10_000) > 1000
