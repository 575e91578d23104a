"""Frames of the consoles, unmasked without NumPy."""

import os
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
