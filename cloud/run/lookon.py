"""Filter of a view-only console's input: all but what is typed, clicked and pasted goes on to the screen.

A VNC client's messages are read by their lengths, whatever pieces they come in; those that would do something to the guest
are left out, one that is not known ends the connection. Source: RFC 6143 sections 7.1, 7.3 and 7.5; the community's
rfbproto.rst for messages 150, 248, 250, 251 and 255, which noVNC speaks.
"""

from collections.abc import Callable, Iterator

SHARED = b"\x01"  # of ClientInit: nobody else is sent away
LONGEST = 1 << 20  # bytes of a message: what is pasted may be long


class Unreadable(Exception):
    """No message of a VNC client, or one that nobody here knows."""


def _number(data: bytes, begin: int, size: int) -> int:
    return int.from_bytes(data[begin : begin + size], "big")


def _cut_text(head: bytes) -> int:
    return 8 + abs(int.from_bytes(head[4:8], "big", signed=True))


def _qemu(head: bytes) -> int:
    """Keys (0), or sound (1): on and off, or its format (2)."""
    if head[1] == 0:
        return 12
    if head[1] != 1:
        raise Unreadable(f"message 255/{head[1]}")
    return 10 if _number(head, 2, 2) == 2 else 4


#: Type → (bytes from which its length follows, its length, whether it goes through).
_MESSAGES: dict[int, tuple[int, Callable[[bytes], int], bool]] = {
    0: (1, lambda head: 20, True),  # SetPixelFormat
    2: (4, lambda head: 4 + 4 * _number(head, 2, 2), True),  # SetEncodings
    3: (1, lambda head: 10, True),  # FramebufferUpdateRequest
    4: (1, lambda head: 8, False),  # KeyEvent
    5: (1, lambda head: 6, False),  # PointerEvent
    6: (8, _cut_text, False),  # ClientCutText
    150: (1, lambda head: 10, True),  # EnableContinuousUpdates
    248: (9, lambda head: 9 + head[8], True),  # ClientFence
    250: (1, lambda head: 4, False),  # xvp: shut down, reboot, reset
    251: (8, lambda head: 8 + 16 * head[6], False),  # SetDesktopSize
    255: (4, _qemu, False),
}


class Screen:
    """Reads what one client sends to a screen. Give it the pieces as they come; it gives what may go on."""

    def __init__(self) -> None:
        self._rest, self._at = bytearray(), 0  # what came, and how much of it has been read: cut off once a piece
        self._reader = self._read()
        self._wanted = next(self._reader)
        self._out: list[bytes] = []

    def take(self, piece: bytes) -> bytes:
        """Add bytes of the client; gives those of whole messages that may go on. Raises: Unreadable."""
        self._rest += piece
        self._out = []
        while len(self._rest) - self._at >= self._wanted:
            self._wanted = next(self._reader)
        del self._rest[: self._at]
        self._at = 0
        return b"".join(self._out)

    def _pop(self, size: int) -> bytes:
        self._at += size
        return bytes(self._rest[self._at - size : self._at])

    def _read(self) -> Iterator[int]:
        """Yields how many bytes must be there; goes on when they are."""
        yield 12
        version = self._pop(12)
        self._out.append(version)
        if version not in (b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"):
            raise Unreadable("no version of RFB")
        if version != b"RFB 003.003\n":
            yield 1
            choice = self._pop(1)
            if choice != b"\x01":
                raise Unreadable("a kind of security that guests do not ask for")
            self._out.append(choice)
        yield 1
        self._pop(1)
        self._out.append(SHARED)
        while True:
            yield from self._message()

    def _message(self) -> Iterator[int]:
        yield 1
        kind = self._rest[self._at]
        if kind not in _MESSAGES:
            raise Unreadable(f"message {kind}")
        need, length_of, passes = _MESSAGES[kind]
        yield need
        length = length_of(bytes(self._rest[self._at : self._at + need]))
        if length > LONGEST:
            raise Unreadable(f"message {kind} of {length} bytes")
        yield length
        message = self._pop(length)
        if passes:
            self._out.append(message)


class Nothing:
    """Filter of a view-only serial console: no byte goes through."""

    def take(self, piece: bytes) -> bytes:
        return b""
