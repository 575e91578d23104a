"""The consoles process: websockify. It gets each guest's connection from compute/consoles/connection_broker.py.

`python -m cloud.run.consoles SOCKET BROKER`. It parses what strangers send, so it has a user of its own, who can reach
nothing: no guest, no file of the cloud. Its only way is that broker, which gives the connection that a ticket opens, and ends
it. From a request it learns the ticket and the cookies made for consoles (the reverse proxy takes all others away). A ticket
that opens nothing is answered with 403 and a sentence as its reason: Nova's clients read no body there.

NumPy, with which websockify unmasks frames where it finds it, costs each of its processes 10 MiB; a number does it too.
"""

import json
import os
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from cloud.run.lookon import Nothing, Screen, Unreadable
from common import file_modes
from hostagent.process import logs

sys.modules["numpy"] = None  # type: ignore[assignment]
with warnings.catch_warnings(action="ignore"):
    from websockify import websocket, websocketproxy, websockifyserver
del sys.modules["numpy"]

COOKIES = "X-Stackling-Consoles"
HEARTBEAT = 30  # seconds between two pings
WAITING = 4 << 20  # bytes that one side has sent and the other not taken: from there on the sender is not read
PATIENCE = 60  # seconds that a side may take nothing of what waits for it
LONGEST = 2 << 20  # bytes of one message: the longest that a VNC client has reason to send is what it pastes, a MiB


class Refused(Exception):
    """The broker refused to open a console. The message is its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def request_guest(broker: str, ticket: str, cookies: list[str]) -> tuple[socket.socket, "Guest", dict[str, object]]:
    """Ask the broker for the guest of `ticket`: (line to keep open as long as the console is, the guest's connection, its facts).

    Raises: Refused.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.settimeout(20)
    try:
        line.connect(broker)
        line.send(json.dumps({"ticket": ticket, "cookies": cookies}).encode())
        said, descriptors, _flags, _address = socket.recv_fds(line, 4096, 1)
        found: dict[str, object] = json.loads(said)
    except (OSError, ValueError) as error:
        line.close()
        raise Refused(503, "Consoles cannot be opened now. Try again in a few seconds.") from error
    if not descriptors:
        line.close()
        raise Refused(int(str(found["status"])), str(found["refused"]))
    line.settimeout(None)
    guest = Guest(fileno=descriptors[0])
    guest.setblocking(True)
    return line, guest, found


class NotTaken(Exception):
    """A side takes nothing of what the other sends."""


def require_room(taker: socket.socket, is_over: Callable[[], bool]) -> None:
    """Wait until `taker` takes something, or the console is over. Raises: NotTaken after PATIENCE seconds."""
    for _ in range(PATIENCE):
        if is_over() or select.select([], [taker], [], 1)[1]:
            return
    raise NotTaken


class Guest(socket.socket):
    """A guest's connection that knows what waits on either side: websockify queues without bound what nobody takes."""

    client: socket.socket | None = None
    is_over = False
    unread = 0  # bytes of the guest's that the client has not taken
    unsent = 0  # bytes of the client's that the guest has not taken

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if self.unread > WAITING and self.client is not None:
            require_room(self.client, lambda: self.is_over)
            if self.unread > 2 * WAITING and not self.is_over:  # it takes less than it is sent
                raise NotTaken
        data = super().recv(size, flags)
        self.unread += len(data)
        return data

    def send(self, data: Any, flags: int = 0, /) -> int:
        sent = super().send(data, flags)
        self.unsent -= sent
        return sent


class TooLong(Exception):
    """A message that no client of a console has reason to send."""


class Bounded(websockifyserver.CompatibleWebSocket):  # type: ignore[misc]
    """websockify keeps what comes of a message until it is whole, and copies it with each piece: one that says it is long
    would have all memory and all of a processor."""

    def _decode_hybi(self, buf: bytes) -> object:
        size = buf[1] & 0x7F if len(buf) > 1 else 0
        if size > 125:
            size = int.from_bytes(buf[2 : 4 if size == 126 else 10])
        if size + len(self._partial_msg) > LONGEST:
            raise TooLong(f"a message of more than {LONGEST} bytes")
        return super()._decode_hybi(buf)


class Consoles(websocketproxy.ProxyRequestHandler):  # type: ignore[misc]
    """One connection of a browser, in a process of its own."""

    SocketClass = Bounded

    def validate_connection(self) -> None:
        """Ask the broker for the guest of the request's ticket. Raises: EClose once a refused client has its answer."""
        ticket = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
        cookies = [part for part in self.headers.get(COOKIES, "").split(",") if part][:4]
        try:
            self._line, self._guest, facts = request_guest(cast(Proxy, self.server).broker, ticket[:200], cookies)
        except Refused as refusal:
            self.send_response(refusal.status, str(refusal).encode("latin-1", "replace").decode("latin-1"))
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            raise self.server.EClose(str(refusal)) from None
        self._filter = (Screen() if facts["kind"] == "vnc" else Nothing()) if facts["view_only"] else None

    def new_websocket_client(self) -> None:
        self._guest.client = self.request.socket
        threading.Thread(target=self._heed, name="broker", daemon=True).start()
        try:
            self.do_proxy(self._guest)
        except Unreadable as error:
            self.log_message("who may only look on sent %s", error)
            raise self.CClose(1008, "Not what a VNC client sends") from None
        except TooLong as error:
            self.log_message("a client sent %s", error)
            raise self.CClose(1009, "Too long") from None
        except NotTaken:
            self.log_message("one side took nothing for %s s", PATIENCE)
            raise self.CClose(1008, "Nothing is taken") from None
        finally:
            with suppress(OSError):
                self._guest.shutdown(socket.SHUT_RDWR)
            self._guest.close()
            self._line.close()

    def _heed(self) -> None:
        """When the broker leaves, nobody watches any more whether this console may go on: it ends."""
        with suppress(OSError):
            self._line.recv(1)
        self._guest.is_over = True
        with suppress(OSError):
            self._guest.shutdown(socket.SHUT_RDWR)

    def recv_frames(self) -> tuple[list[bytes], object]:
        if self._guest.unsent > WAITING:
            require_room(self._guest, lambda: self._guest.is_over)
            return [], False  # its turn comes once the guest has taken what it can
        pieces, closed = super().recv_frames()
        if self._filter is not None:
            pieces = [kept for piece in pieces if (kept := self._filter.take(bytes(piece)))]
        self._guest.unsent += sum(len(piece) for piece in pieces)
        return pieces, closed

    def send_frames(self, bufs: object = None) -> bool:
        is_left = bool(super().send_frames(bufs))
        self._guest.unread = len(self.request._send_buffer) + sum(len(part) for part in self.send_parts)
        return is_left


def unmask(self: websocket.WebSocket, frame: bytes, mask: bytes) -> bytes:
    """Return the payload of a client's frame (RFC 6455, 5.3): each byte XOR the mask's, over and over."""
    over = mask * (len(frame) // 4 + 1)
    return (int.from_bytes(frame) ^ int.from_bytes(over[: len(frame)])).to_bytes(len(frame))


class Proxy(websocketproxy.WebSocketProxy):  # type: ignore[misc]
    def __init__(self, *, broker: str, **options: object) -> None:
        super().__init__(Consoles, **options)
        self.broker = broker


def main() -> None:
    listen, broker = sys.argv[1:]
    websocket.WebSocket._unmask = unmask
    logs.configure()  # websockify writes whole paths, and so tickets: they are hidden there
    os.umask(0o077)
    Proxy(
        broker=broker,
        unix_listen=listen,
        unix_listen_mode=file_modes.socket_mode(Path(listen).parent),
        heartbeat=HEARTBEAT,
    ).start_server()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
