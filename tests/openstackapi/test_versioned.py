"""What an API's versions change, as data: the first and the last version of a thing count, and the newest value holds."""

import pytest

from openstackapi.versioned import ByVersion, Names, Property, Span, body_schema

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def test_both_ends_of_a_span_are_in_it() -> None:
    span = Span(since=(2, 10), until=(2, 57))
    assert [v in span for v in ((2, 9), (2, 10), (2, 57), (2, 58))] == [False, True, True, False]
    assert (2, 0) in Span() and (9, 9) in Span(since=(2, 9)) and (2, 9) not in Span(since=(2, 10))


def test_a_value_holds_until_the_next_ones_version() -> None:
    status = ByVersion({(2, 2): 201, (2, 0): 200, (2, 90): 299})
    assert [status.at(v) for v in ((2, 0), (2, 1), (2, 2), (2, 89), (2, 90))] == [200, 200, 201, 201, 299]
    assert status.newest == 299
    with pytest.raises(LookupError):
        status.at((1, 99))


def test_names_come_in_their_order() -> None:
    names = Names({"b": (1, 0), "a": (1, 0), "c": (1, 9)})
    assert names.at((1, 8)) == ("b", "a") and names.at((1, 10)) == ("b", "a", "c")


def test_a_body_has_what_its_version_has() -> None:
    properties = (
        Property("name", ByVersion({(2, 0): TEXT, (2, 5): NUMBER}), required=True),
        Property("old", TEXT, until=(2, 3), required=True),
        Property("new", TEXT, since=(2, 4), required=Span(since=(2, 6))),
    )
    assert body_schema(properties, (2, 3), extra=True) == {
        "type": "object",
        "properties": {"name": TEXT, "old": TEXT},
        "required": ["name", "old"],
        "additionalProperties": True,
    }
    assert body_schema(properties, (2, 5)) == {
        "type": "object",
        "properties": {"name": NUMBER, "new": TEXT},
        "required": ["name"],
        "additionalProperties": False,
    }
    assert body_schema(properties, (2, 6))["required"] == ["name", "new"]
