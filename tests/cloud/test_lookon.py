"""Item 6: who may only look on types, clicks and pastes nothing, whatever their client sends and in whatever pieces."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.run.lookon import SHARED, Nothing, Screen, Unreadable

HELLO = b"RFB 003.008\n\x01"
GREETING = HELLO + b"\x00"  # a client that wants the screen for itself: others would be sent away

_bytes = st.binary
PASSES = st.one_of(
    _bytes(min_size=19, max_size=19).map(lambda rest: b"\x00" + rest),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40).map(
        lambda kinds: struct.pack(f">BxH{len(kinds)}i", 2, len(kinds), *kinds)
    ),
    _bytes(min_size=9, max_size=9).map(lambda rest: b"\x03" + rest),
    _bytes(min_size=9, max_size=9).map(lambda rest: b"\x96" + rest),
    _bytes(max_size=64).map(lambda rest: struct.pack(">B3xIB", 248, 1, len(rest)) + rest),
)
DROPPED = st.one_of(
    _bytes(min_size=7, max_size=7).map(lambda rest: b"\x04" + rest),
    _bytes(min_size=5, max_size=5).map(lambda rest: b"\x05" + rest),
    _bytes(max_size=300).map(lambda text: struct.pack(">B3xi", 6, len(text)) + text),
    _bytes(max_size=300).map(lambda text: struct.pack(">B3xi", 6, -len(text)) + text),  # noVNC's longer clipboard
    st.integers(0, 255).map(lambda what: struct.pack(">BxBB", 250, 1, what)),  # shut down, reboot, reset
    st.integers(0, 5).map(lambda n: struct.pack(">BxHHBx", 251, 800, 600, n) + bytes(16 * n)),
    _bytes(min_size=10, max_size=10).map(lambda rest: b"\xff\x00" + rest),
    st.just(struct.pack(">BBH", 255, 1, 0)),
    st.just(struct.pack(">BBHBBI", 255, 1, 2, 3, 2, 44100)),
)


@given(st.lists(st.tuples(st.booleans(), PASSES, DROPPED), max_size=12), st.data())
def test_only_what_asks_for_the_picture_goes_on(told: list[tuple[bool, bytes, bytes]], data: st.DataObject) -> None:
    messages = [passes if goes else dropped for goes, passes, dropped in told]
    stream, screen, out = GREETING + b"".join(messages), Screen(), b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        out += screen.take(stream[:size])
        stream = stream[size:]
    assert out == HELLO + SHARED + b"".join(passes for goes, passes, _dropped in told if goes)


@given(st.binary(max_size=200))
def test_what_is_no_message_ends_it_and_nothing_typed_gets_through(noise: bytes) -> None:
    screen = Screen()
    screen.take(GREETING)
    try:
        out = screen.take(noise)
    except Unreadable:
        return
    assert not out or out[0] in (0, 2, 3, 150, 248)


@pytest.mark.parametrize("hello", [b"GET / HTTP/1", b"RFB 004.000\n", b"RFB 003.008\n\x02", b"RFB 003.008\n\x13"])
def test_another_protocol_or_kind_of_security_ends_it(hello: bytes) -> None:
    with pytest.raises(Unreadable):
        Screen().take(hello)


def test_the_oldest_version_chooses_no_security() -> None:
    assert Screen().take(b"RFB 003.003\n\x00\x04\x01\x00\x00\x00\x00\x00\x61") == b"RFB 003.003\n" + SHARED


def test_a_paste_without_an_end_ends_it() -> None:
    screen = Screen()
    screen.take(GREETING)
    with pytest.raises(Unreadable):
        screen.take(struct.pack(">B3xi", 6, 2**31 - 1))


def test_a_serial_port_that_one_looks_at_hears_nothing() -> None:
    assert Nothing().take(b"reboot\n") == b""


def test_reading_is_linear() -> None:
    """Item 6: four times the clicks in one piece, or a paste in crumbs, cost about four times the time."""

    def seconds(pieces: list[bytes]) -> float:
        screen = Screen()
        screen.take(GREETING)
        begun = time.process_time()
        assert [screen.take(piece) for piece in pieces] == [b""] * len(pieces)
        return max(time.process_time() - begun, 0.002)

    many = b"\xfa\x01\x01\x02"
    assert seconds([many * 160_000]) / seconds([many * 40_000]) < 9

    def crumbs(size: int) -> list[bytes]:
        return [struct.pack(">B3xi", 6, size), *[b"x"] * size]

    assert seconds(crumbs(400_000)) / seconds(crumbs(100_000)) < 9
