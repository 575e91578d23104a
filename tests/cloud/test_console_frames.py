"""Frames of the consoles, unmasked without NumPy."""

import os
import struct
import subprocess
import sys

import pytest

from cloud.run.settings import CLONE

pytestmark = pytest.mark.process

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


UNREAD = r"""
import hashlib, os, socket, struct, threading, time
from types import SimpleNamespace
from cloud.run import consoles

SENT = 48 << 20
ours, guest_side = socket.socketpair()
browser, web_side = socket.socketpair()
handler = object.__new__(consoles.Consoles)
handler.server = SimpleNamespace(heartbeat=0, target_host="", target_port=0)
handler.rec, handler.traffic, handler.verbose, handler.start_time, handler.send_parts, handler._filter = None, False, False, 0, [], None
handler.buffer_size = 65536
handler.request = consoles.Consoles.SocketClass(None)
handler.request.socket, handler.request.client = web_side, False
web_side.setblocking(False)
handler._guest = consoles.Guest(fileno=guest_side.detach())
handler._guest.client = handler.request.socket
threading.Thread(target=lambda: handler.do_proxy(handler._guest), daemon=True).start()

given = [0]
digest = hashlib.sha256()
def send():
    block = os.urandom(1 << 16)
    while given[0] < SENT:
        ours.sendall(block)
        digest.update(block)
        given[0] += len(block)
sender = threading.Thread(target=send)
sender.start()
held = -1
while held != given[0]:  # until nothing more is taken of the guest
    held = given[0]
    time.sleep(1.5)
print(held < SENT // 2)

seen, count, stream = hashlib.sha256(), 0, browser.makefile("rb")
while count < SENT:
    head = stream.read(2)
    size = head[1]
    size = struct.unpack(">H", stream.read(2))[0] if size == 126 else struct.unpack(">Q", stream.read(8))[0] if size == 127 else size
    seen.update(stream.read(size))
    count += size
sender.join()
print(seen.hexdigest() == digest.hexdigest())
"""


def test_a_guest_is_not_read_while_its_client_takes_nothing() -> None:
    """Item 6: a client that reads nothing made its process grow by all that the guest sent."""
    command = [sys.executable, "-c", UNREAD]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["True", "True"], done.stderr
