"""Times that clients send: read in one module, and compared with rows by whole seconds."""

import ast
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q

from cloud.rooms import APPS
from common import moments
from tests.common.test_patterns import _files

PARSERS = ("parse_datetime", "fromisoformat", "strptime")
#: Modules that read a time of a given form, or one that we wrote; none of them compares it with what rows show.
OTHERS = frozenset(
    {
        "audit/management/commands/audit_export.py",  # an operator's argument, compared with ids
        "common/moments.py",
        "compute/consoles/watch.py",  # written by us
        "compute/servers/lifecycle/adopting.py",  # written by us
        "compute/usage/api.py",  # a span, not a filter
        "compute/usage/audit_api.py",  # a span, not a filter
        "identity/credentials/ec2.py",  # of a signature
        "identity/signin/sessions.py",  # written by us
        "identity/signin/store.py",  # written by us
        "portal/ui/moments.py",  # in the reader's zone, compared with ids
        "portal/overview/views.py",  # written by us
        "portal/usage/ranges.py",  # a month, whose days are a span
    }
)


def test_times_of_clients_are_read_in_one_module() -> None:
    """Case 31: every filter on a time, of every service, goes through common.moments."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in _files()
        if name.partition("/")[0] in APPS and name not in OTHERS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PARSERS
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("operator", moments.OPERATORS)
def test_a_comparison_is_of_whole_seconds(operator: str, db: None) -> None:
    """Case 31: rows that show the same second compare alike, whatever their microseconds."""
    from identity.models import Revocation

    base = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    every = [base + timedelta(milliseconds=n) for n in (-1000, -1, 0, 1, 999, 1000, 1999)]
    for moment in every:
        Revocation.objects.create(
            kind="x", subject=moment.isoformat(), issued_before=moment, revoked_at=moment, expires_at=moment
        )
    want = {
        "eq": lambda row: row == base,
        "neq": lambda row: row != base,
        "gt": lambda row: row > base,
        "gte": lambda row: row >= base,
        "lt": lambda row: row < base,
        "lte": lambda row: row <= base,
    }[operator]
    found = Revocation.objects.filter(moments.compared("revoked_at", operator, base))
    shown = [row.replace(microsecond=0) for row in found.order_by("revoked_at").values_list("revoked_at", flat=True)]
    assert shown == [row for row in (moment.replace(microsecond=0) for moment in every) if want(row)]


def test_a_time_with_a_fraction_is_that_instant() -> None:
    """Case 37: instance actions show fractions."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert moments.compared("at", "lte", moment) == Q(at__lte=moment)
    assert moments.compared("at", "neq", moment) == ~Q(at__exact=moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-02-30",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9" * 5000,
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert moments.parsed(text) is None


def test_times_are_read_in_every_form_that_clients_write() -> None:
    want = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for text in (
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02T04:04:05 01:00",
    ):
        assert moments.parsed(text) == want, text
    assert moments.parsed("2026-01-02") == datetime(2026, 1, 2, tzinfo=UTC)
