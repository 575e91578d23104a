"""Frames of the consoles, unmasked without NumPy."""

import os
import struct
import subprocess
import sys

import pytest

from cloud.run.settings import CLONE

PROGRAM = """
import sys
from websockify import websocket
from cloud.run import consoles
frame, mask = bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.argv[2])
print(consoles.unmask(None, frame, mask).hex())
print(websocket.WebSocket()._unmask(frame, mask).hex())
"""


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 125, 4099])
def test_a_frame_is_unmasked_as_websockify_does(length: int) -> None:
    """In a process of its own, whose websockify has NumPy: it is imported first."""
    frame, mask = os.urandom(length), b"\x00" + os.urandom(3)
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, frame.hex(), mask.hex()], cwd=CLONE, capture_output=True, text=True, check=True
    ).stdout
    assert said.split("\n")[:2] == [bytes(byte ^ mask[n % 4] for n, byte in enumerate(frame)).hex()] * 2


ENDLESS = """
import socket, struct, sys
from cloud.run import consoles
ours, theirs = socket.socketpair()
web = consoles.Consoles.SocketClass(None)
web.socket = theirs
theirs.setblocking(False)
ours.sendall(bytes.fromhex(sys.argv[1]))
try:
    web._recv_frames()
    print(len(web._recv_queue), "taken")
    web.recvmsg()
    print("asked for more")
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"\x82\xff" + struct.pack(">Q", 1 << 40) + bytes(4) + b"x" * 100, "TooLong"),
        (b"\x82\xff" + struct.pack(">Q", (2 << 20) + 1) + bytes(4), "TooLong"),
        (b"\x82\xff" + struct.pack(">Q", 2 << 20) + bytes(4), "0 taken"),
        (b"\x82\xfe" + struct.pack(">H", 200) + bytes(4) + b"x" * 200, "1 taken"),
        (b"\x82\x83" + bytes(4) + b"abc", "1 taken"),
    ],
)
def test_a_message_that_says_it_is_long_is_not_waited_for(sent: bytes, answer: str) -> None:
    """Item 6: a message of a tebibyte was kept, and copied with each piece, for as long as somebody sent of it."""
    command = [sys.executable, "-c", ENDLESS, sent.hex()]
    said = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=True).stdout
    assert said.split("\n")[0] == answer
