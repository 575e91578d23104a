"""The same request over and over from N connections in one thread: what a load costs here must not be what is measured."""

import selectors
import socket
import time


class Connection:
    """One keep-alive connection with one request under way."""

    def __init__(self, address: str, request: bytes) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = request
        self.left = -1
        self.head = b""

    def send(self) -> None:
        self.left, self.head = -1, b""
        self.socket.sendall(self.request)

    def is_answered(self) -> bool:
        """Take in what has arrived; True once the answer is whole. Raises: RuntimeError unless its status is 200."""
        data = self.socket.recv(262_144)
        if not data:
            raise RuntimeError("the server closed the connection")
        if self.left < 0:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            if not self.head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"answered {self.head[:80]!r}")
            self.left = _length(self.head[:end]) - (len(self.head) - end - 4)
        else:
            self.left -= len(data)
        return self.left == 0


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError("the answer has no length")


def pound(address: str, path: str, headers: dict[str, str], *, clients: int, seconds: float) -> float:
    """Answers a second of GET `path` at `address` (host:port) with `clients` at once, none of them pausing."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {address}", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join([*lines, "", ""]).encode()
    selector = selectors.DefaultSelector()
    connections = [Connection(address, request) for _ in range(clients)]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    began = time.perf_counter()
    for connection in connections:
        connection.send()
    done = 0
    while (passed := time.perf_counter() - began) < seconds:
        for key, _ in selector.select(1.0):
            if key.data.is_answered():
                done += 1
                key.data.send()
    for connection in connections:
        connection.socket.close()
    return done / passed
